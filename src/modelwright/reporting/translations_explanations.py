"""The Chinese texts on the explanations of mistakes, as the Chinese pages of the docs say them."""

from __future__ import annotations

CHINESE_EXPLANATIONS: dict[str, str] = {
    "Solid underlines mark what speaks for the predicted label, dashed ones what speaks against it;"
    " the numbers are log-odds. The servable answered, and the method is {method}.": (
        "实线标出支持预测标签的片段，虚线标出反对它的片段；数字是对数几率。"
        "由可部署模型回答，解释方法是 {method}。"
    ),
    "Right of each image: blue cells speak for the predicted label, orange ones against it. The"
    " servable answered, and the method is {method}.": (
        "每张图像的右边：蓝色格子支持预测标签，橙色格子反对它。"
        "由可部署模型回答，解释方法是 {method}。"
    ),
    "The mistakes have no explanations, because no servable of these weights is here. Export one"
    " (modelwright export {run}) and write the page again.": (
        "错误样例没有解释，因为这里没有这些权重的可部署模型。"
        "请导出一个（modelwright export {run}），再重新生成页面。"
    ),
    "The mistakes have no explanations, because the servable {servable} has no engine here that"
    " answers without TensorFlow; modelwright explain explains single rows.": (
        "错误样例没有解释，因为可部署模型 {servable} 在这里没有不依赖 TensorFlow 的推理引擎；"
        "可以用 modelwright explain 解释单条样本。"
    ),
    "The mistakes have no explanations: {reason}": "错误样例没有解释：{reason}",
    "for:": "支持：",
    "against:": "反对：",
    "No segment moves the probability.": "没有哪个片段改变概率。",
}
