// @ts-check
// Files and pictures that the daemon makes, in the browser.

import { useEffect, useState } from "../vendor/preact.js";
import { Problem, problemOf, send } from "../session.js";

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
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Return the URL of a picture that the daemon makes, once it is there.
 * @param {string} path
 * @param {unknown} version changes when the picture has
 * @returns {string | null}
 */
export function usePicture(path, version) {
  const [url, setUrl] = useState(/** @type {string | null} */ (null));
  useEffect(() => {
    /** @type {string | null} */
    let made = null;
    let isGone = false;
    fetched(path).then((blob) => {
      if (isGone) return;
      made = URL.createObjectURL(blob);
      setUrl(made);
    }, (error) => {
      if (!(error instanceof Problem)) throw error;
    });
    return () => {
      isGone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [path, version]);
  return url;
}
