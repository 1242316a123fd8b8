// Follow the events of a daemon, in a web page or in node, with nothing but fetch.

/**
 * Call a function for each event, for ever. Connections that end are made anew where they ended.
 *
 * @param {string} url of the daemon, such as http://127.0.0.1:9696
 * @param {string} token with the scope read
 * @param {(event: {id: string, event: string, data: object}) => void} found
 * @param {string} cursor to start after: the id of an event, or 0 for the beginning
 */
export async function follow(url, token, found, cursor) {
  for (;;) {
    try {
      const headers = { Authorization: `Bearer ${token}`, "Last-Event-ID": cursor };
      const response = await fetch(`${url}/events`, { headers });
      if (!response.ok) throw (await response.json()).detail;
      const reader = response.body.getReader(), decoder = new TextDecoder();
      for (let text = "", part; !(part = await reader.read()).done; ) {
        const blocks = (text + decoder.decode(part.value, { stream: true })).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) {
          const event = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/)));
          if (event.data) found({ ...event, data: JSON.parse(event.data) });
          cursor = event.id ?? cursor;
        }
      }
    } catch (problem) {
      if (typeof problem === "string") throw new Error(problem);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
