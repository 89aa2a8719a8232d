"""The Chinese texts on searches, as the Chinese pages of the docs say them."""

from __future__ import annotations

CHINESE_TUNING: dict[str, str] = {
    # The card.
    "search for settings, {status}": "超参数搜索，{status}",
    "still running": "正在运行",
    "running": "正在运行",
    "without a result": "没有结果",
    "pruned": "已剪枝",
    "failed to train": "失败",
    "Trial {number} failed: {reason}": "试验 {number} 失败：{reason}",
    "{number} more trials failed.": "另有 {number} 次试验失败。",
    "What was searched": "搜索了什么",
    "The search": "搜索",
    "objective": "目标",
    "accuracy on the validation rows": "验证集准确率",
    "macro-F1 on the validation rows": "验证集宏平均 F1",
    "loss on the validation rows": "验证集损失",
    "limits": "限制",
    "latency at most {value} ms a row": "每条样本的延迟不超过 {value} 毫秒",
    "size at most {value} MiB": "大小不超过 {value} MiB",
    "trials": "试验次数",
    "trial": "试验",
    "sampler": "采样器",
    "pruner": "剪枝器",
    "trained by": "运行方式",
    "{runner}, {number} at a time": "{runner}，同时运行 {number} 次",
    "What chose what, and on which rows": "用哪些样本选择了什么",
    "The validation rows chose the best of {number} trials, and in each trial its best epoch.": (
        "最佳试验是用验证集从 {number} 次试验中选出的；每次试验中最佳的轮次也是用验证集选出的。"
    ),
    "The test rows chose nothing: no trial was measured on them.": (
        "测试集没有参与任何选择：没有一次试验在测试集上评估过。"
    ),
    "What it does not say": "它不能说明什么",
    "How good the best settings are: the best of many figures from the same rows is too high."
    " Measure it with the commands at the end.": (
        "最佳设置究竟有多好：从同一批样本的许多结果中选出的最高值总是偏高。请用文末的命令来评估。"
    ),
    "That settings outside the space, or on other data, would not be better.": (
        "搜索空间以外的设置，或者换成其他数据时，是否会更好。"
    ),
    # The best trial.
    "Best settings": "最佳设置",
    "No trial has finished within the limits yet.": "还没有在限制之内完成的试验。",
    ", standard error {value} over the validation rows": "，对验证集样本的标准误差为 {value}",
    "The best trial": "最佳试验",
    "best value": "最佳取值",
    "value of the base": "原来的取值",
    "Settings of the best trial": "最佳试验的设置",
    # All trials.
    "Trials": "全部试验",
    "No trial has an objective yet.": "还没有试验得到目标值。",
    "state": "状态",
    "All trials; a pruned one has the objective of its best epoch": (
        "全部试验；被剪枝的试验列出其最佳轮次的目标值"
    ),
    "Objective of each trial": "每次试验的目标值",
    "Dots are finished trials, the large one is the best, crosses are pruned ones. The line is the"
    " best so far.": (
        "圆点是已完成的试验，大圆点是最佳试验，叉号是被剪枝的试验。折线是到当时为止的最佳值。"
    ),
    "Only the best {shown} of {all} trials are drawn.": (
        "共 {all} 次试验，只画出最好的 {shown} 次。"
    ),
    "A pruned trial has its accuracy, because an epoch measures no F1.": (
        "被剪枝的试验列出的是准确率，因为训练中的每一轮不计算 F1。"
    ),
    "Far worse trials, drawn at the edge: {number}.": "差得多、画在边缘的试验：{number} 次。",
    # Limits.
    "Pareto front": "帕累托前沿",
    "The Pareto front: no trial beats these in everything": (
        "帕累托前沿：没有试验在各方面都胜过这些试验"
    ),
    "latency of one row in ms": "单条样本的延迟（毫秒）",
    "size of the weights in MiB": "权重的大小（MiB）",
    "Dots are within all limits, the large one is the best of them; rings are beyond a limit. The"
    " dashed line is the limit.": (
        "圆点满足所有限制，其中大圆点是最佳试验；圆环超出了限制。虚线是限制。"
    ),
    "within the limits": "满足限制",
    "ms a row": "毫秒/条",
    "MiB": "MiB",
    "yes": "是",
    "no": "否",
    # What the settings decide.
    "What the settings decide": "各项设置的作用",
    "Nothing was measured: {reason}": "没有评估：{reason}",
    "Objective over {setting}": "目标值与 {setting} 的关系",
    "The best third of {number} trials has {values}.": (
        "{number} 次试验中最好的三分之一取值为 {values}。"
    ),
    "Importance of the settings": "各项设置的重要性",
    "The share of the order of trials that each setting decides, alone or with others, with 95 %"
    " intervals over {number} trials ({finished} finished, {pruned} pruned).": (
        "各项设置单独或与其他设置一起，决定试验优劣顺序的多大份额；"
        "附对 {number} 次试验（{finished} 次完成，{pruned} 次被剪枝）的 95 % 区间。"
    ),
    "All settings together predict {share} %.": "所有设置合起来能预测 {share} %。",
    "These settings have an effect: {names}.": "这些设置有作用：{names}。",
    "No interval is above 0: with so few trials each effect may be chance.": (
        "没有一个区间高于 0：试验这么少，每项作用都可能是偶然。"
    ),
    "share of the order in %": "占优劣顺序的份额（%）",
    "importance": "重要性",
    "effect": "作用",
    "may be chance": "可能是偶然",
    # The space and how to go on.
    "The space": "搜索空间",
    "What the search varied": "搜索改变的设置",
    "values": "取值范围",
    "step": "步长",
    "scale": "尺度",
    "logarithmic": "对数",
    "only with": "仅当",
    "How to check it and repeat it": "如何验证和重复",
    "This command runs the search, or goes on with it:": "运行或继续这次搜索：",
    "This one measures the gain on the test rows, which chose nothing: the best few against the"
    " base, each with several seeds:": (
        "在没有参与选择的测试集上评估收益：最好的几组设置与原来的设置对比，各用多个种子："
    ),
    "This one trains with the best settings:": "用最佳设置训练：",
    "This one compares the trials in TensorBoard:": "在 TensorBoard 中比较各次试验：",
}
