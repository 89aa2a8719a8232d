// What the pages say, in English and Chinese, and which of both is spoken.
// What a server or a model says (labels, errors) is shown as it is and never translated.

const WORDS = {
  en: {
    other: "中文",
    skip: "Skip to the model",
    site: "Site",
    reference: "API",
    tryModels: "Models",
    models: "Models",
    text: "Text",
    textHint: "Type or paste a text",
    picture: "Picture",
    choose: "Drop a picture here, or choose one",
    another: "Drop or choose another",
    kinds: "PNG, JPEG, GIF or BMP",
    notPicture: "This file is not a PNG, JPEG, GIF or BMP.",
    noText: "Type a text first.",
    noPicture: "Choose a picture first.",
    noJson: "Type the instances first.",
    examples: "Examples",
    examplePicture: (n) => `Example picture ${n}`,
    run: "Classify",
    ask: "Send",
    running: "Asking the model…",
    version: "Version",
    live: (v) => `live (${v})`,
    answer: "Answer",
    empty: "Labels and their probabilities appear here.",
    emptyRaw: "The answer appears here as the server gives it.",
    said: (label, share, version, ms) => `${label}, ${share}, version ${version}, ${ms} ms`,
    saidRaw: (version, ms) => `Answered by version ${version} in ${ms} ms`,
    all: (n) => `Show all ${n} labels`,
    fewer: "Show the first 10 only",
    answeredBy: "Answered by",
    versionNumber: (v) => `version ${v}`,
    time: "Time",
    took: (ms) => `${ms} ms there and back`,
    request: "Request",
    unknown: "unknown",
    classNumber: (n) => `class ${n}`,
    curl: "The same from a shell",
    copy: "Copy",
    copied: "Copied",
    notCopied: "Select the line and copy it",
    curlKey: "Put your key into the variable KEY first:  export KEY=…",
    curlFile: "Run it in the folder of the picture.",
    signature: "What this model takes",
    keyTitle: "This server asks for a key",
    keyHelp: "It stays in this page's memory and is gone when the page is closed.",
    key: "API key",
    keyUse: "Use it",
    keyWrong: "The server does not accept this key.",
    retry: "Try again",
    retryIn: (s) => `Try again in ${s} s`,
    gone: "The server does not answer.",
    goneHelp: "Is it still running, and is the network there?",
    slow: "The server took too long to answer.",
    tooMany: "Too many requests for now.",
    full: "The server can't take this at the moment.",
    large: "This is more than the server takes.",
    forbidden: "This key may not do that.",
    noSuch: "The server doesn't know this model or version.",
    refused: "The server could not read this.",
    failed: (code) => `The server answered with status ${code}.`,
    odd: "The server's answer could not be read.",
    loading: "Looking what is served…",
    none: "No model is served yet.",
    noneHelp: "Export one into the server's folder. It appears here by itself.",
    notReady: "No version of this model is available now.",
    textModel: "Text",
    imageModel: "Picture",
    plainModel: "SavedModel",
    labels: (n) => (n === 1 ? "1 label" : `${n} labels`),
    size: (h, w) => `reads ${w} × ${h} pixels`,
    liveVersion: (v) => `version ${v}`,
    states: { START: "waiting", LOADING: "loading", AVAILABLE: "available", UNLOADING: "unloading", END: "not served" },
    promise: "Everything on this page comes from this server and goes to it alone.",
    docsTitle: "API reference",
    docsMachine: "The same for machines:",
    parameters: "Parameters",
    body: "Body",
    responses: "Answers",
    required: "required",
    docsGone: "The description of the API can't be had from this server.",
  },
  zh: {
    other: "English",
    skip: "跳到模型",
    site: "站点",
    reference: "接口",
    tryModels: "模型",
    models: "模型",
    text: "文本",
    textHint: "输入或粘贴一段文字",
    picture: "图片",
    choose: "把图片拖到这里，或选择一张",
    another: "拖入或选择另一张",
    kinds: "PNG、JPEG、GIF 或 BMP",
    notPicture: "该文件不是 PNG、JPEG、GIF 或 BMP 图片。",
    noText: "请先输入文字。",
    noPicture: "请先选择一张图片。",
    noJson: "请先输入 instances。",
    examples: "示例",
    examplePicture: (n) => `示例图片 ${n}`,
    run: "分类",
    ask: "发送",
    running: "正在询问模型…",
    version: "版本",
    live: (v) => `当前（${v}）`,
    answer: "结果",
    empty: "标签及其概率会显示在这里。",
    emptyRaw: "服务器的原始回答会显示在这里。",
    said: (label, share, version, ms) => `${label}，${share}，版本 ${version}，${ms} 毫秒`,
    saidRaw: (version, ms) => `版本 ${version} 用 ${ms} 毫秒作答`,
    all: (n) => `显示全部 ${n} 个标签`,
    fewer: "只显示前 10 个",
    answeredBy: "作答版本",
    versionNumber: (v) => `版本 ${v}`,
    time: "用时",
    took: (ms) => `往返 ${ms} 毫秒`,
    request: "请求编号",
    unknown: "未知",
    classNumber: (n) => `类别 ${n}`,
    curl: "在命令行中做同样的事",
    copy: "复制",
    copied: "已复制",
    notCopied: "请选中这一行手动复制",
    curlKey: "请先把密钥放入变量 KEY：export KEY=…",
    curlFile: "请在图片所在的文件夹中运行。",
    signature: "该模型的输入",
    keyTitle: "该服务器需要密钥",
    keyHelp: "密钥只保存在本页内存中，关闭页面即消失。",
    key: "API 密钥",
    keyUse: "使用",
    keyWrong: "服务器不接受该密钥。",
    retry: "重试",
    retryIn: (s) => `${s} 秒后可重试`,
    gone: "服务器没有回应。",
    goneHelp: "它还在运行吗？网络是否正常？",
    slow: "服务器用时过长。",
    tooMany: "当前请求过多。",
    full: "服务器暂时无法处理。",
    large: "内容超过服务器允许的大小。",
    forbidden: "该密钥无权这样做。",
    noSuch: "服务器没有该模型或版本。",
    refused: "服务器无法读取该请求。",
    failed: (code) => `服务器返回状态码 ${code}。`,
    odd: "无法读取服务器的回答。",
    loading: "正在查看有哪些模型…",
    none: "尚无模型。",
    noneHelp: "把模型导出到服务器的文件夹，它会自动出现在这里。",
    notReady: "该模型目前没有可用的版本。",
    textModel: "文本",
    imageModel: "图片",
    plainModel: "SavedModel",
    labels: (n) => `${n} 个标签`,
    size: (h, w) => `按 ${w} × ${h} 像素读取`,
    liveVersion: (v) => `版本 ${v}`,
    states: { START: "等待中", LOADING: "加载中", AVAILABLE: "可用", UNLOADING: "卸载中", END: "未提供" },
    promise: "本页的一切都来自该服务器，也只发送给它。",
    docsTitle: "接口文档",
    docsMachine: "供程序读取：",
    parameters: "参数",
    body: "请求体",
    responses: "回答",
    required: "必填",
    docsGone: "无法从该服务器取得接口说明。",
  },
};
const REMEMBERED = "modelwright.language";

let language = chosen();

function chosen() {
  let kept = null;
  try {
    kept = localStorage.getItem(REMEMBERED);
  } catch {
    // A browser that stores nothing still has a language.
  }
  if (kept in WORDS) return kept;
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The word for a key in the language spoken; what takes values is given them. */
export function say(key, ...values) {
  const word = WORDS[language][key];
  return typeof word === "function" ? word(...values) : word;
}

/** Write every marked element of the page in the language spoken. */
export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  for (const node of document.querySelectorAll("[data-word-label]")) {
    node.setAttribute("aria-label", say(node.dataset.wordLabel));
  }
  const button = document.getElementById("language");
  button.textContent = say("other");
  button.lang = language === "zh" ? "en" : "zh-Hans";
}

/** Let the button of the page switch the language; `then` draws what is not marked. */
export function speak(then) {
  document.getElementById("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    try {
      localStorage.setItem(REMEMBERED, language);
    } catch {
      // Then it is asked of the browser again next time.
    }
    translate();
    then();
  });
  translate();
}
