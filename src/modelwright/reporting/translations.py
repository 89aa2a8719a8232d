"""All texts of a page in English and Chinese. The English text is the key."""

from __future__ import annotations

from typing import Literal, get_args

from modelwright.reporting.translations_audit import CHINESE_AUDIT
from modelwright.reporting.translations_drift import CHINESE_DRIFT, CHINESE_UPDATES
from modelwright.reporting.translations_explanations import CHINESE_EXPLANATIONS
from modelwright.reporting.translations_sources import CHINESE_SOURCES
from modelwright.reporting.translations_streams import CHINESE_STREAMS
from modelwright.reporting.translations_tuning import CHINESE_TUNING

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

CHINESE = {
    # The frame of the page.
    "Contents": "目录",
    "Skip to the content": "跳到正文",
    "Report: {names}": "报告：{names}",
    "{number} places": "共 {number} 项",
    "Written by Modelwright {version} on {date}.": "由 Modelwright {version} 于 {date} 生成。",
    "Long lists and images are cut, so that the file stays small.": (
        "为控制文件大小，较长的列表和图像已截去。"
    ),
    "run": "训练目录",
    "servable": "可部署模型",
    "study, {status}": "对比实验，{status}",
    "still training": "正在训练",
    "finished": "已完成",
    "stopped": "已停止",
    "interrupted": "已中断",
    "failed": "部分失败",
    # Words of many sections.
    "rows": "样本数",
    "row": "样本",
    "source": "来源",
    "class": "类别",
    "label": "标签",
    "labels": "标签",
    "share": "占比",
    "reason": "原因",
    "note": "说明",
    "model": "模型",
    "text": "文本",
    "texts": "文本数",
    "image": "图像",
    "value": "取值",
    "setting": "设置",
    "none": "无",
    "accuracy": "准确率",
    "accuracy in %": "准确率（%）",
    "95 % interval": "95 % 区间",
    "{low} to {high}": "{low} 至 {high}",
    "macro-F1": "宏平均 F1",
    "precision": "精确率",
    "recall": "召回率",
    "calibration error": "校准误差",
    "measured on": "评估数据",
    "not measured": "未评估",
    "training": "训练",
    "validation": "验证",
    "test": "测试",
    "training rows": "训练集",
    "validation rows": "验证集",
    "test rows": "测试集",
    "{rows}, with test-time augmentation": "{rows}，使用测试时增强",
    "Han": "汉字",
    "Latin": "拉丁字母",
    "mixed": "混合",
    "other": "其他",
    "English": "英文",
    "Chinese": "中文",
    "The first {shown} of {all}.": "共 {all} 项，这里列出前 {shown} 项。",
    # The model card.
    "Model card": "模型卡",
    "The model": "模型",
    "kind": "种类",
    "classifier of texts": "文本分类模型",
    "classifier of images": "图像分类模型",
    "recipe": "配方",
    "{labels} and {more} more": "{labels}，另有 {more} 个",
    "parameters": "参数数量",
    "pretrained backbone": "预训练骨干网络",
    "license of the backbone": "骨干网络的许可证",
    "exported": "导出时间",
    "The training has not finished ({done} of {epochs} epochs). There are no weights to measure"
    " yet.": "训练尚未完成（已完成 {done} 轮，共 {epochs} 轮），还没有可以评估的权重。",
    "The training was stopped before its end.": "训练在结束之前被停止。",
    "These weights were never evaluated.": "这组权重从未评估过。",
    "What it is for": "用途",
    "What it is not for": "不适用的情形",
    "What is not recorded": "没有记录的内容",
    "It gives each text one of {number} labels, and a probability for each.": (
        "为每条文本给出 {number} 个标签之一，以及每个标签的概率。"
    ),
    "It gives each image one of {number} labels, and a probability for each.": (
        "为每张图像给出 {number} 个标签之一，以及每个标签的概率。"
    ),
    "Rows like the {rows} of {source} on which it was trained.": (
        "适用于与训练数据相似的输入：{source} 中的 {rows} 个样本。"
    ),
    "The script of these texts: {scripts}.": "这些文本使用的文字：{scripts}。",
    "Half of them have at most {median} characters, 95 % at most {most}.": (
        "其中一半不超过 {median} 个字符，95 % 不超过 {most} 个字符。"
    ),
    "Each image is resized to {height} × {width} pixels, {colors}.": (
        "每张图像都会缩放为 {height} × {width} 像素，{colors}。"
    ),
    "gray": "灰度",
    "color": "彩色",
    "Rows that belong to none of its labels: it gives them one all the same.": (
        "不属于任何标签的输入：模型仍会给出其中一个标签。"
    ),
    "Texts in scripts of which it has seen less than 1 %: {scripts}.": (
        "使用训练数据中占比不足 1 % 的文字的文本：{scripts}。"
    ),
    "Texts of more than {length} tokens: it reads only the first {length}.": (
        "超过 {length} 个词元的文本：模型只读取最前面的 {length} 个。"
    ),
    "Texts of more than {length} tokens: it reads only the last {length}.": (
        "超过 {length} 个词元的文本：模型只读取最后的 {length} 个。"
    ),
    "Uses in which {wrong} wrong answers are too many; as many were wrong of {rows} rows"
    " ({name}).": "不能容忍 {wrong} 错误率的场合；这是在 {rows} 个样本（{name}）上测得的错误率。",
    "Rows from another source: the figures hold for rows drawn like the measured ones.": (
        "其他来源的数据：这里的数字只适用于与评估数据同样抽取的数据。"
    ),
    "Who collected and labeled the rows, under which terms, and with which agreement.": (
        "数据由谁收集和标注、使用条款如何、标注是否一致。"
    ),
    "Which groups of people the rows are about; so there are no figures by group.": (
        "数据涉及哪些人群；因此没有按人群划分的数字。"
    ),
    # The figures.
    "Measured figures": "评估结果",
    "Evaluations": "各次评估",
    "Measured with earlier weights, so not figures of this model: {names}.": (
        "以下评估使用的是较早的权重，不是当前模型的结果：{names}。"
    ),
    "Accuracy beside simple models, {rows}": "与简单模型相比的准确率，{rows}",
    "{accuracy} of {rows} rows are right; the lines are 95 % intervals over the rows.": (
        "{rows} 个样本中预测正确的占 {accuracy}；横线是对样本的 95 % 区间。"
    ),
    "this model": "本模型",
    "majority class": "多数类基线",
    "TF-IDF + logistic regression": "TF-IDF + 逻辑回归",
    "logistic regression on pixels": "像素上的逻辑回归",
    "{rows} of the {all} measured rows ({name}) have the content of a training row.": (
        "{all} 个评估样本（{name}）中，有 {rows} 个的内容与训练数据相同。"
    ),
    "Whether measured rows ({name}) are training rows was not checked: {reason}": (
        "没有检查评估数据（{name}）是否包含训练数据：{reason}"
    ),
    "Figures in the manifest of the servable": "可部署模型清单中的数字",
    "Figures of the training, {rows}": "训练过程中的数字，{rows}",
    "The run is not here, so confusion, calibration, slices and mistakes are missing: they are"
    " not in the servable.": (
        "找不到对应的训练目录，因此没有混淆矩阵、校准、分片和错误样例：它们不在可部署模型中。"
    ),
    "The servable was exported before an evaluation, so it has no test figures.": (
        "该模型在评估之前导出，因此没有测试集上的数字。"
    ),
    "This run was never evaluated, so there are no figures on test rows.": (
        "这次训练从未评估过，因此没有测试集上的数字。"
    ),
    "Classes and confusion": "各类别与混淆矩阵",
    "Precision and recall, {rows}": "精确率与召回率，{rows}",
    "The confusion of the classes is not recorded.": "没有记录类别之间的混淆情况。",
    "Rows by true label (down) and predicted label (across), {rows}": (
        "按真实标签（纵向）和预测标签（横向）统计的样本数，{rows}"
    ),
    "true \\ predicted": "真实 \\ 预测",
    "true label": "真实标签",
    "predicted": "预测标签",
    "share of the true label": "占该真实标签的比例",
    "Most frequent confusions": "最常见的混淆",
    "Calibration": "校准",
    "Share of right answers by probability, {rows}": "不同概率下的正确率，{rows}",
    "Where the dots are on the line, a probability means what it says. Dots below it: the model"
    " is too sure. Calibration error: {error}.": (
        "圆点落在虚线上时，概率名副其实；在虚线下方时，模型过于自信。校准误差：{error}。"
    ),
    "across: mean probability of the answer in %; up: share of right answers in %": (
        "横轴：预测的平均概率（%）；纵轴：正确率（%）"
    ),
    "mean probability": "平均概率",
    "right answers": "正确率",
    "The answers to the rows cannot be read, so there is no drawing: {reason}": (
        "无法读取各样本的预测，因此没有图：{reason}"
    ),
    "Slices": "分片结果",
    "slice": "分片",
    "Accuracy by length": "按长度划分的准确率",
    "Accuracy by script of most letters": "按主要文字划分的准确率",
    "{first} to {last} characters": "{first} 至 {last} 个字符",
    "The lowest is {accuracy}: {name}, {rows} rows.": (
        "最低的是 {accuracy}：{name}，共 {rows} 个样本。"
    ),
    "Images have no slices by length or script. The classes above are their slices.": (
        "图像没有按长度或文字的分片；上面的各类别就是它的分片。"
    ),
    "Slices by length and script are missing: the measured texts cannot be read now, or are not"
    " those of the run's data.": (
        "没有按长度和文字的分片：现在无法读取评估过的文本，或者它们与训练所用的数据不一致。"
    ),
    "There is no negation check. It is made for two labels whose names mean praise and blame, in"
    " English and Chinese.": (
        "没有否定句检查。它适用于名称分别表示好评和差评的两个标签，且只有中文和英文。"
    ),
    "The negation check was left out, as in each trial of a search or a comparison. modelwright"
    " evaluate makes it.": (
        "没有做否定句检查：搜索和对比实验中的训练都不做。modelwright evaluate 会补上。"
    ),
    "Negation, {language}": "否定句，{language}",
    "{accuracy} of {rows} test sentences are right (95 %: {interval}). Each pair says the same"
    " without and with a negation.": (
        "{rows} 个测试句中预测正确的占 {accuracy}（95 % 区间：{interval}）。"
        "每一对句子相同，一句不含否定，一句含否定。"
    ),
    "pairs": "句对",
    "number of pairs": "对数",
    "plain right": "肯定句正确",
    "negated right": "否定句正确",
    "both right": "两句都对",
    "praise negated": "否定好评",
    "blame negated": "否定差评",
    "distant": "远距离否定",
    "Worst mistakes": "最严重的错误",
    "Worst mistakes, {rows}": "最严重的错误，{rows}",
    "Wrong answers with the highest probability. Some may be wrong labels of the data.": (
        "概率最高的错误预测。其中有些可能是数据本身的标签有误。"
    ),
    "No mistake is recorded.": "没有记录到错误。",
    "The images are not shown: the data cannot be read now, or the page would be too large.": (
        "没有显示图像：现在无法读取数据，或者页面会过大。"
    ),
    "{label}, taken for {predicted}": "{label}，误判为 {predicted}",
    "probability": "概率",
    **CHINESE_AUDIT,
    **CHINESE_DRIFT,
    **CHINESE_EXPLANATIONS,
    **CHINESE_SOURCES,
    **CHINESE_STREAMS,
    **CHINESE_TUNING,
    **CHINESE_UPDATES,
}


def say(text: str, language: Language = "en", /, **values: object) -> str:
    """Returns a text in a language, with its fields filled in.

    Raises:
        KeyError: the text has no Chinese translation.
    """
    return (text if language == "en" else CHINESE[text]).format(**values)
