// @ts-check
// Files that the daemon makes, in the browser.

import { problemOf, send } from "./session.js";

/** Fetch something from the daemon. Throws a Problem. @param {string} path */
export async function fetched(path) {
  const answer = await send("GET", path);
  if (!answer.ok) throw await problemOf(answer);
  return answer.blob();
}

/**
 * Have the browser save what the daemon returns.
 * @param {string} path
 * @param {string} name of the file
 */
export async function saveFile(path, name) {
  const url = URL.createObjectURL(await fetched(path));
  const link = document.createElement("a");
  link.href = url;
  // What no system takes in names of files.
  link.download = name.replace(/[\u0000-\u001f\u007f/\\:*?"<>|]/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
