// @ts-check
// Pictures that the daemon makes, in the browser.

import { useEffect, useState } from "../vendor/preact.js";
import { fetched } from "../files.js";
import { Problem } from "../session.js";

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
