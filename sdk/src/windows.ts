/** Answers that come as messages: from a hidden frame, or from a window beside the page (response_mode=web_message). */

import type { Answer } from "./authorization.js";
import { RxauthError } from "./errors.js";

const FRAME_TIMEOUT_MS = 10_000;
const WATCH_MS = 300;

/** Opens a window for a sign-in; where a click is handled, before anything is waited for, or browsers block it. */
export function openWindow(): Window {
  const opened = window.open("", "", "popup,width=480,height=720");
  if (!opened) throw new RxauthError("popup_blocked", "The browser did not open a window.");
  return opened;
}

/** Leads an open window to a URL, and returns the answer that comes from it. */
export async function throughWindow(opened: Window, url: string, origin: string, state: string): Promise<Answer> {
  opened.location.href = url;
  try {
    return await heard(opened, origin, state, (fail) => {
      const watch = setInterval(() => {
        if (opened.closed) fail(new RxauthError("popup_closed", "The window was closed before the sign-in was done."));
      }, WATCH_MS);
      return () => clearInterval(watch);
    });
  } finally {
    opened.close();
  }
}

/** Asks in a hidden frame, and returns the answer that comes from it. */
export async function throughFrame(url: string, origin: string, state: string): Promise<Answer> {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.src = url;
  document.body.append(frame);
  try {
    return await heard(frame.contentWindow, origin, state, (fail) => {
      const timer = setTimeout(
        () => fail(new RxauthError("timeout", "The hidden frame did not answer.")),
        FRAME_TIMEOUT_MS,
      );
      return () => clearTimeout(timer);
    });
  } finally {
    frame.remove();
  }
}

function heard(
  from: Window | null,
  origin: string,
  state: string,
  watch: (fail: (error: RxauthError) => void) => () => void,
): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const end = () => {
      removeEventListener("message", hear);
      stop();
    };
    const hear = ({ source, origin: sender, data }: MessageEvent) => {
      const response = data?.type === "authorization_response" && data.response;
      if (source !== from || sender !== origin || response?.state !== state) return;
      end();
      resolve(response);
    };
    addEventListener("message", hear);
    const stop = watch((error) => {
      end();
      reject(error);
    });
  });
}
