"""The Chinese texts of the section on suspicious labels."""

from __future__ import annotations

CHINESE_AUDIT: dict[str, str] = {
    "Suspicious labels": "可疑标签",
    "The audit of the labels": "标签审计",
    "audit": "审计目录",
    "{recipe}, {folds} folds": "{recipe}，{folds} 折",
    "accuracy on held-out folds": "折外准确率",
    "estimated wrong labels": "估计的错误标签占比",
    "suspicious rows": "可疑样本数",
    "of them in the rows of this model": "其中属于此模型数据的",
    "not known, because the data cannot be read now": "未知：现在无法读取数据",
    "contents under several labels": "有多个标签的内容数",
    "groups of duplicates": "重复样本组",
    "{exact} exact, {near} near, {crossing} of them across splits": (
        "完全相同 {exact} 组，近似 {near} 组，其中跨划分 {crossing} 组"
    ),
    "all suspicious rows": "全部可疑样本",
    "a model that did not see the row disagrees": "没有见过该样本的模型不同意",
    "the same content has another label too": "同样的内容还有别的标签",
    "a model disagrees, and the same content has another label too": (
        "模型不同意，而且同样的内容还有别的标签"
    ),
    "The audit was named with --audit.": "审计由 --audit 指定。",
    "The training left out the suspects of this audit (data.drop). Test rows stay.": (
        "训练时已去掉这次审计的可疑样本（data.drop），测试样本保留。"
    ),
    "The audit was found near the model, and at least half of its suspects are rows of the model."
    " --audit names another.": (
        "审计是在模型附近找到的，至少一半的可疑样本属于此模型的数据；可用 --audit 指定另一个。"
    ),
    "The audit was found near the model by the name of its data. --audit names another.": (
        "审计是在模型附近按数据的名字找到的；可用 --audit 指定另一个。"
    ),
    "No label is suspicious.": "没有可疑的标签。",
    "A suspect is a guess: look at a row before you change or drop it.": (
        "可疑只是推测：修改或去掉样本之前，请先查看。"
    ),
    "The images are not shown, because the data cannot be read now or has other rows.": (
        "图像没有显示，因为现在无法读取数据，或者数据中没有这些样本。"
    ),
    "suggested": "建议的标签",
    "probability of the label": "原标签的概率",
    "why": "原因",
    "The {shown} most suspicious of {all} rows": "{all} 个可疑样本中最可疑的 {shown} 个",
    "{label}, perhaps {suggested}": "{label}，可能是 {suggested}",
}
