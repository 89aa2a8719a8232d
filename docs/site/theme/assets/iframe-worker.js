// Lets the search run when the site is opened from a folder. Browsers start no Worker from
// file://, so this one runs the script in a hidden frame and passes the messages on.
"use strict";
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = this.onerror = this.onmessageerror = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.appendChild(this.frame);
      this.listener = (event) => {
        if (event.source === this.frame.contentWindow) this.deliver(event.data);
      };
      addEventListener("message", this.listener);
      // In the frame, as in a worker: postMessage sends to the page, importScripts loads in order.
      const globals = `
        postMessage = (data) => parent.postMessage(data, "*");
        importScripts = (...urls) => urls.reduce((loaded, url) => loaded.then(() =>
          new Promise((resolve, reject) => {
            const script = document.createElement("script");
            Object.assign(script, {src: url, onload: resolve, onerror: reject});
            document.body.appendChild(script);
          })), Promise.resolve());`;
      const content = this.frame.contentDocument;
      this.loaded = new Promise((resolve) => this.frame.addEventListener("load", resolve));
      content.open();
      content.write(`<body><script>${globals}<\/script><script src="${new URL(url, location)}"><\/script>`);
      content.close();
    }

    deliver(data) {
      const event = new MessageEvent("message", {data});
      this.dispatchEvent(event);
      this.onmessage?.(event);
    }

    postMessage(data) {
      this.loaded.then(() => {
        const target = this.frame.contentWindow;
        target?.dispatchEvent(new target.MessageEvent("message", {data: structuredClone(data)}));
      });
    }

    terminate() {
      removeEventListener("message", this.listener);
      this.frame.remove();
    }
  };
}
