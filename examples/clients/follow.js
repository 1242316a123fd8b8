// Follow the events of a daemon, in a web page or in node, with nothing but fetch:
//     for await (const event of follow("http://127.0.0.1:9696", token, "0")) console.log(event);

/**
 * Yield each event, for ever. A connection that ends is made anew, and goes on where it ended.
 *
 * @param {string} url of the daemon
 * @param {string} token with the scope read
 * @param {string} cursor to start after: the id of an event, or 0 for the beginning
 */
export async function* follow(url, token, cursor) {
  for (;;) {
    const headers = { Authorization: `Bearer ${token}`, "Last-Event-ID": cursor };
    const response = await fetch(`${url}/events`, { headers }).catch(() => null);
    if (response?.status >= 400 && response.status < 500) {
      throw new Error((await response.json()).detail);
    }
    const reader = response?.ok ? response.body.getReader() : null;
    const decoder = new TextDecoder();
    try {
      for (let text = "", ended = !reader; !ended; ) {
        const { done, value } = await reader.read().catch(() => ({ done: true }));
        const blocks = (text + decoder.decode(value, { stream: true })).split("\n\n");
        text = blocks.pop();
        ended = done;
        for (const block of blocks) {
          const event = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/)));
          cursor = event.id ?? cursor;
          if (event.data) yield { ...event, data: JSON.parse(event.data) };
        }
      }
    } finally {
      await reader?.cancel().catch(() => null);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
