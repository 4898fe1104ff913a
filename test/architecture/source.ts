import { parseSync } from '@swc/core';

/** One import of a module, however it is written. */
export interface Import {
  readonly specifier: string;
  /** The import disappears when the file is compiled. */
  readonly typeOnly: boolean;
}

/** What the rules want to know of one source file. */
export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** Modules that this file exports from. */
  readonly exportsFrom: readonly string[];
  readonly hasImportMeta: boolean;
  readonly hasTopLevelAwait: boolean;
  /** Nothing but `export … from`, or `export {}`. */
  readonly onlyExports: boolean;
  /** Names at the top level whose value changes while the program runs. */
  readonly mutableState: readonly string[];
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Reads a TypeScript file. Throws when it cannot be parsed. */
export function readSource(path: string, text: string): Source {
  const { body } = parseSync(text, { syntax: 'typescript', target: 'es2022' }) as unknown as { body: Node[] };
  const imports: Import[] = [];
  let hasImportMeta = false;
  let hasTopLevelAwait = false;
  for (const { node, insideFunction } of walk(body, false)) {
    imports.push(...importsOf(node));
    if (node.type === 'MetaProperty' && node.kind === 'import.meta') hasImportMeta = true;
    if (!insideFunction && (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await)))
      hasTopLevelAwait = true;
  }
  return {
    path,
    imports,
    exportsFrom: body.filter(isReExport).flatMap((node) => importsOf(node).map(({ specifier }) => specifier)),
    hasImportMeta,
    hasTopLevelAwait,
    onlyExports: body.every((node) => isReExport(node) || isEmptyExport(node)),
    mutableState: body.flatMap(mutableNames),
  };
}

const functions =
  /^(?:Function(?:Declaration|Expression)|ArrowFunctionExpression|ClassMethod|PrivateMethod|Constructor|(?:Method|Getter|Setter)Property)$/;

function* walk(value: unknown, insideFunction: boolean): Generator<{ node: Node; insideFunction: boolean }> {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item, insideFunction);
    return;
  }
  const isNode = 'type' in value && typeof value.type === 'string';
  if (isNode) yield { node: value as Node, insideFunction };
  const inside = insideFunction || (isNode && functions.test((value as Node).type));
  for (const child of Object.values(value)) yield* walk(child, inside);
}

function importsOf(node: Node): Import[] {
  const text = (value: unknown): string | undefined =>
    (value as Node | undefined)?.type === 'StringLiteral' ? String((value as Node).value) : undefined;
  const found = (specifier: string | undefined, typeOnly: boolean): Import[] =>
    specifier === undefined ? [] : [{ specifier, typeOnly }];
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration': {
      const names = node.specifiers as Node[];
      const typeOnly = node.typeOnly === true || (names.length > 0 && names.every((name) => name.isTypeOnly));
      return found(text(node.source), typeOnly);
    }
    case 'ExportAllDeclaration':
      return found(text(node.source), node.typeOnly === true);
    case 'TsImportType':
      return found(text(node.argument), true);
    case 'CallExpression': {
      const callee = node.callee as Node;
      if (callee.type !== 'Import' && callee.value !== 'require') return [];
      return found(text((node.arguments as { expression: Node }[])[0]?.expression), false);
    }
    default:
      return [];
  }
}

function isReExport(node: Node): boolean {
  return node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && Boolean(node.source));
}

function isEmptyExport(node: Node): boolean {
  return node.type === 'ExportNamedDeclaration' && (node.specifiers as Node[]).length === 0;
}

function mutableNames(node: Node): string[] {
  const declaration = (node.type === 'ExportDeclaration' ? node.declaration : node) as Node;
  if (declaration.type !== 'VariableDeclaration' || declaration.declare) return [];
  return (declaration.declarations as { id: Node; init: Node | null }[])
    .filter(({ init }) => declaration.kind !== 'const' || isEmptyCollection(init))
    .map(({ id }) => String(id.value));
}

/** `new Map()` with nothing in it is there to be filled; `new Map([…])` is a table. */
function isEmptyCollection(init: Node | null): boolean {
  if (init?.type !== 'NewExpression' || (init.arguments as unknown[] | null)?.length) return false;
  return /^(?:Weak)?(?:Map|Set)$/.test(String((init.callee as Node).value));
}
