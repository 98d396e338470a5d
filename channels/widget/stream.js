const fields = (block) => {
  const event = { data: '' };
  for (const [, name, value] of block.matchAll(/^(event|data): ?(.*)$/gm)) event[name] = name === 'data' && event.data ? `${event.data}\n${value}` : value;
  return event;
};

/** Server-sent events over fetch(), since EventSource sends no Authorization. `heard` is called for every chunk: a heartbeat is life. */
export async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) yield fields(block);
  }
}
