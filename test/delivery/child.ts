import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a child process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test does with a child while it runs. */
export type OnLine = (line: string, child: ChildProcess) => void;

/** Runs a Node program of test/fixtures to its end. */
export function run(args: readonly string[], env: Readonly<Record<string, string>>, onLine?: OnLine): Promise<Ended> {
  const cwd = fileURLToPath(new URL('../fixtures/', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { cwd, env: { PATH: process.env.PATH, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      for (const line of text.split('\n')) if (line !== '') onLine?.(line, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
