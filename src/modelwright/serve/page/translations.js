// The texts of the pages in English and Chinese, and the choice of the language.
// Texts of the server and of models (labels, errors) are shown unchanged, never translated.

const TEXTS = {
  en: {
    other: "中文",
    skip: "Skip to the model",
    site: "Site",
    reference: "API",
    tryModels: "Models",
    models: "Models",
    text: "Text",
    textHint: "Enter or paste a text",
    picture: "Image",
    choose: "Drop an image here, or choose one",
    another: "Drop or choose another image",
    kinds: "PNG, JPEG, GIF or BMP",
    notPicture: "This file is not a PNG, JPEG, GIF or BMP.",
    noText: "Enter a text first.",
    noPicture: "Choose an image first.",
    noJson: "Enter the instances first.",
    examples: "Examples",
    examplePicture: (n) => `Example image ${n}`,
    run: "Classify",
    ask: "Send",
    running: "Waiting for the model…",
    version: "Version",
    live: (v) => `live (${v})`,
    answer: "Answer",
    empty: "The labels and their probabilities appear here.",
    emptyRaw: "The server's answer appears here.",
    said: (label, share, version, ms) => `${label}, ${share}, version ${version}, ${ms} ms`,
    saidRaw: (version, ms) => `Answered by version ${version} in ${ms} ms`,
    all: (n) => `Show all ${n} labels`,
    fewer: "Show only the first 10",
    answeredBy: "Answered by",
    versionNumber: (v) => `version ${v}`,
    time: "Time",
    took: (ms) => `${ms} ms round trip`,
    request: "Request",
    unknown: "unknown",
    classNumber: (n) => `class ${n}`,
    why: "Why?",
    whyHelp: "Shows what speaks for and against the label.",
    explaining: "Working out why…",
    explained: "The explanation follows.",
    whyFor: "For",
    whyAgainst: "Against",
    whyNothing: "nothing",
    whyText: "The text with marks",
    whyImage: (label) => `Heat map for ${label}`,
    whyCell: (top, bottom, left, right) => `rows ${top}–${bottom}, columns ${left}–${right}`,
    whyStill: (label, share) => `The probability of ${label} stays at ${share}, whatever single part is taken out.`,
    whyWithout: (n, label, before, after) =>
      n === 1
        ? `Without the part most for ${label}: ${before} → ${after}`
        : `Without the ${n} parts most for ${label}: ${before} → ${after}`,
    whyCaution: "Do not rely on these weights:",
    curl: "The same request from a shell",
    copy: "Copy",
    copied: "Copied",
    notCopied: "Select and copy the line",
    curlKey: "First set the variable KEY to your key:  export KEY=…",
    curlFile: "Run it in the folder that contains the image.",
    signature: "Inputs and outputs of this model",
    keyTitle: "This server requires an API key",
    keyHelp: "The key stays in this page's memory until you close the page.",
    key: "API key",
    keyUse: "Use key",
    keyWrong: "The server does not accept this key.",
    retry: "Try again",
    retryIn: (s) => `Try again in ${s} s`,
    gone: "The server does not answer.",
    goneHelp: "Check that it is running and that the network works.",
    slow: "The server took too long to answer.",
    tooMany: "Too many requests for now.",
    full: "The server is overloaded or not ready.",
    large: "The request is larger than the server accepts.",
    forbidden: "This key does not have permission.",
    noSuch: "The server does not have this model or version.",
    refused: "The server could not read this.",
    failed: (code) => `The server answered with status ${code}.`,
    odd: "The server's answer could not be read.",
    loading: "Loading the list of models…",
    none: "The server has no models yet.",
    noneHelp: "Export a model to the server's folder. It then appears here.",
    notReady: "No version of this model is available.",
    textModel: "Text",
    imageModel: "Image",
    plainModel: "SavedModel",
    labels: (n) => (n === 1 ? "1 label" : `${n} labels`),
    size: (h, w) => `input of ${w} × ${h} pixels`,
    liveVersion: (v) => `version ${v}`,
    states: { START: "waiting", LOADING: "loading", AVAILABLE: "available", UNLOADING: "unloading", END: "not served" },
    promise: "This page exchanges data with this server only.",
    docsTitle: "API reference",
    docsMachine: "Machine-readable:",
    parameters: "Parameters",
    body: "Body",
    responses: "Responses",
    required: "required",
    docsGone: "The API description could not be loaded from this server.",
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
    running: "正在等待模型…",
    version: "版本",
    live: (v) => `当前（${v}）`,
    answer: "结果",
    empty: "标签及其概率会显示在这里。",
    emptyRaw: "服务器返回的结果会显示在这里。",
    said: (label, share, version, ms) => `${label}，${share}，版本 ${version}，${ms} 毫秒`,
    saidRaw: (version, ms) => `由版本 ${version} 返回，用时 ${ms} 毫秒`,
    all: (n) => `显示全部 ${n} 个标签`,
    fewer: "只显示前 10 个",
    answeredBy: "结果来自",
    versionNumber: (v) => `版本 ${v}`,
    time: "用时",
    took: (ms) => `往返 ${ms} 毫秒`,
    request: "请求编号",
    unknown: "未知",
    classNumber: (n) => `类别 ${n}`,
    why: "为什么？",
    whyHelp: "显示哪些内容支持或反对该标签。",
    explaining: "正在分析原因…",
    explained: "解释如下。",
    whyFor: "支持",
    whyAgainst: "反对",
    whyNothing: "无",
    whyText: "带标记的文本",
    whyImage: (label) => `${label} 的热力图`,
    whyCell: (top, bottom, left, right) => `第 ${top}–${bottom} 行，第 ${left}–${right} 列`,
    whyStill: (label, share) => `无论去掉哪一部分，${label} 的概率都保持在 ${share}。`,
    whyWithout: (n, label, before, after) => `去掉最支持 ${label} 的 ${n} 个部分：${before} → ${after}`,
    whyCaution: "这些权重不可靠：",
    curl: "在命令行中发送同样的请求",
    copy: "复制",
    copied: "已复制",
    notCopied: "请选中这一行手动复制",
    curlKey: "请先把密钥放入变量 KEY：export KEY=…",
    curlFile: "请在图片所在的文件夹中运行。",
    signature: "该模型的输入与输出",
    keyTitle: "该服务器需要密钥",
    keyHelp: "密钥只保存在本页内存中，关闭页面即消失。",
    key: "API 密钥",
    keyUse: "使用",
    keyWrong: "服务器不接受该密钥。",
    retry: "重试",
    retryIn: (s) => `${s} 秒后可重试`,
    gone: "服务器没有响应。",
    goneHelp: "请检查服务器是否在运行、网络是否正常。",
    slow: "服务器响应超时。",
    tooMany: "当前请求过多。",
    full: "服务器暂时无法处理。",
    large: "请求超过服务器允许的大小。",
    forbidden: "该密钥没有相应权限。",
    noSuch: "服务器没有该模型或版本。",
    refused: "服务器无法读取该请求。",
    failed: (code) => `服务器返回状态码 ${code}。`,
    odd: "无法解析服务器的响应。",
    loading: "正在加载模型列表…",
    none: "服务器中尚无模型。",
    noneHelp: "把模型导出到服务器的文件夹，它会自动出现在这里。",
    notReady: "该模型目前没有可用的版本。",
    textModel: "文本",
    imageModel: "图片",
    plainModel: "SavedModel",
    labels: (n) => `${n} 个标签`,
    size: (h, w) => `输入 ${w} × ${h} 像素`,
    liveVersion: (v) => `版本 ${v}`,
    states: { START: "等待中", LOADING: "加载中", AVAILABLE: "可用", UNLOADING: "卸载中", END: "未加载" },
    promise: "本页只与该服务器交换数据。",
    docsTitle: "接口文档",
    docsMachine: "机器可读版本：",
    parameters: "参数",
    body: "请求体",
    responses: "响应",
    required: "必填",
    docsGone: "无法从该服务器加载接口说明。",
  },
};
const STORAGE_KEY = "modelwright.language";

let language = initialLanguage();

function initialLanguage() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORAGE_KEY);
  } catch {
    // Without storage, the browser's language decides.
  }
  if (stored in TEXTS) return stored;
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Returns the text of a key in the current language, with the values filled in. */
export function say(key, ...values) {
  const text = TEXTS[language][key];
  return typeof text === "function" ? text(...values) : text;
}

/** Writes every marked element of the page in the current language. */
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

/** Makes the page's button switch the language; `then` redraws what is not marked. */
export function addLanguageButton(then) {
  document.getElementById("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    try {
      localStorage.setItem(STORAGE_KEY, language);
    } catch {
      // Without storage, the browser's language decides next time.
    }
    translate();
    then();
  });
  translate();
}
