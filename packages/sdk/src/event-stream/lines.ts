/** The lines of a stream whose pieces, texts or bytes, end anywhere. A piece that is neither is passed on as it is. */
export async function* linesOf(pieces: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  for await (const piece of pieces) {
    if (typeof piece !== 'string' && !(piece instanceof Uint8Array)) {
      yield piece;
      continue;
    }
    const text = typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true });
    const [first = '', ...lines] = text.split('\n');
    // A long line comes in many pieces: joined once.
    rest.push(first);
    for (const line of lines) {
      yield rest.join('');
      rest = [line];
    }
  }
  rest.push(decoder.decode());
  yield rest.join('');
}
