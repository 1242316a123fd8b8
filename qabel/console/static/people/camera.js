// @ts-check
// The camera, which looks for a QR code.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { t } from "../texts.js";
import { Dialog } from "../parts.js";
import { loadDecoder, readFrame } from "./codes.js";

const PAUSE = 120;
const SIDE = 900;

/** @type {Record<string, string>} */
const PROBLEMS = {
  NotAllowedError: "camera.refused",
  NotFoundError: "camera.none",
  OverconstrainedError: "camera.none",
  NotReadableError: "camera.busy",
};

/** @param {{ onText: (text: string) => void, onClose: () => void }} props */
export function Camera({ onText, onClose }) {
  const ref = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let isGone = false;
    /** @type {MediaStream | null} */
    let stream = null;

    async function look() {
      if (!navigator.mediaDevices) return setProblem("camera.none");
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch (error) {
        return setProblem(PROBLEMS[/** @type {DOMException} */ (error).name] || "camera.none");
      }
      const video = ref.current;
      if (isGone || !video) return stop();
      video.srcObject = stream;
      await video.play().catch(() => null);
      const decode = await loadDecoder();
      while (!isGone) {
        if (video.videoWidth) {
          const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
          const text = readFrame(decode, video, video.videoWidth * scale, video.videoHeight * scale);
          if (text !== null) return onText(text);
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }

    function stop() {
      for (const track of stream ? stream.getTracks() : []) track.stop();
    }

    look();
    return () => {
      isGone = true;
      stop();
    };
  }, []);

  return html`
    <${Dialog} title=${t("camera.title")} onClose=${onClose}>
      ${problem
        ? html`<p role="alert">${t(problem)}</p><p>${t("camera.instead")}</p>`
        : html`<video class="camera" ref=${ref} muted playsinline aria-label=${t("camera.picture")}></video>
          <p role="status">${t("camera.text")}</p>`}
      <p class="buttons"><button onClick=${onClose}>${t("cancel")}</button></p>
    <//>`;
}
