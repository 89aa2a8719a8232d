"""The Chinese texts on drift and updates, as the Chinese pages of the docs say them."""

from __future__ import annotations

CHINESE_DRIFT: dict[str, str] = {
    "Drift": "数据漂移",
    "A test finds a difference if its statistic is above the threshold, which chance exceeds"
    " rarely: all tests of a comparison together give a false alarm in at most 3 % of the cases.": (
        "统计量超过阈值时，检验认为有差异。偶然很少会超过阈值：一次比较的全部检验合起来，"
        "误报最多占 3 %。"
    ),
    "New data differs from the rows behind the figures here: {source}, in {names}.": (
        "新数据与这里各项数字所用的样本不同：{source}，差异在 {names}。"
    ),
    "The accuracy is lower on new data: {accuracy} on {source}.": (
        "新数据上的准确率更低：{source} 上为 {accuracy}。"
    ),
    "No test found a difference, but the accuracy fell: labels may have another meaning now.": (
        "没有检验发现差异，但准确率下降了：标签现在的含义可能不同。"
    ),
    "not tested": "未检验",
    "Tests that were left out": "没有做的检验",
    "no test found a difference": "没有检验发现差异",
    "yes, in {names}": "是，差异在 {names}",
    "{rows} of {all}": "{rows}（共 {all}）",
    "New data: {source}": "新数据：{source}",
    "drifted": "漂移",
    "reference": "参照",
    "file": "文件",
    "statistical test": "检验",
    "{name}: {compared}": "{name}：{compared}",
    "statistic": "统计量",
    "alarm above": "阈值",
    "finding": "结果",
    "Tests, {source}": "各项检验，{source}",
    "how often each class is the answer": "各类别在预测中出现的频率",
    "the highest probability of each answer": "每次预测的最高概率",
    "share of a text's tokens that the vocabulary lacks": "文本中词表没有的词元所占的比例",
    "characters of a text": "文本的字符数",
    "in how many texts each frequent word is": "各常用词出现在多少条文本中",
    "mean of the pixels that the network gets": "网络读到的像素的均值",
    "standard deviation of these pixels": "这些像素的标准差",
    "side of a square with as many pixels as the image file": "与图像文件像素数相同的正方形的边长",
    "what the last layer reads": "最后一层的输入",
    "Estimated mix of the classes in the new data": "新数据中各类别占比的估计",
    "Large dots are the estimates with 95 % intervals, small ones the shares of the reference.": (
        "大圆点是估计值及其 95 % 区间，小圆点是参照中的占比。"
    ),
    "share in %": "占比（%）",
    "The estimate holds if rows of a class look as before, and only their mix changed (Lipton et"
    " al. 2018).": (
        "只有同一类别的样本与以前相同、变化的只是各类别的占比时，这一估计才成立"
        "（Lipton 等，2018）。"
    ),
    "That is in doubt, because these tests found a difference, too: {names}.": (
        "这一点值得怀疑，因为这些检验也发现了差异：{names}。"
    ),
    "worse": "变差",
    "better": "变好",
    "no clear difference": "没有明显差异",
    "{change}: {points} points": "{change}：{points} 个百分点",
    "figure": "指标",
    "change": "变化",
    "The {rows} new rows with labels": "有标签的 {rows} 个新样本",
}

CHINESE_UPDATES: dict[str, str] = {
    "Update": "更新",
    "The lineage is damaged: {reason}": "来历已损坏：{reason}",
    "The report of the update is not here, so the other strategies that were tried are missing.": (
        "这里没有这次更新的报告，因此缺少尝试过的其他策略。"
    ),
    "What it learned": "学了什么",
    "made from": "上一版本",
    "ancestors": "历代版本",
    "new data": "新数据",
    "new training rows": "新的训练样本数",
    "tokens": "词元数",
    "examples in the memory, at most": "记忆中的范例，最多",
    "fingerprint of the parent": "上一版本的指纹",
    "fingerprint of the new rows": "新样本的指纹",
    "fingerprint of the old rows": "旧样本的指纹",
    "{before} before, {after} after": "更新前 {before}，更新后 {after}",
    "old rows": "旧样本",
    "macro-F1 before": "更新前的宏平均 F1",
    "macro-F1 after": "更新后的宏平均 F1",
    "points gained": "提高（百分点）",
    "interval": "区间",
    "level": "水平",
    "The gate: macro-F1 on held-out rows": "门控：留出样本上的宏平均 F1",
    "A version is written only if macro-F1 on new rows rises, falls on old rows by at most {drop}"
    " points, the ends of the intervals included, and no old class loses more than {class_drop}"
    " points of F1 beyond chance.": (
        "只有当新样本的宏平均 F1 上升、旧样本的宏平均 F1 最多下降 {drop} 个百分点"
        "（均看区间的端点），并且没有旧类别的 F1 下降超过 {class_drop} 个百分点且超出偶然时，"
        "才写出新版本。"
    ),
    "{number} strategies were judged on the same rows, so the intervals are wider than at 95 %"
    " (Bonferroni).": "同一批样本上评判了 {number} 个策略，因此区间比 95 % 更宽（Bonferroni）。",
    "taken": "采用",
    "outcome": "结果",
    "All strategies that were tried: macro-F1 after": "尝试过的全部策略：更新后的宏平均 F1",
    "F1 before": "更新前的 F1",
    "F1 after": "更新后的 F1",
    "Old rows by class": "旧样本，按类别",
    "This command made it, with the memory of the versions before. Settings that were given with"
    " --set are not recorded:": (
        "以下命令在有以前各版本的记忆时得到了它；用 --set 给出的设置没有记录："
    ),
    "an earlier run, number {number} of its line": "更早的训练目录，第 {number} 代",
    "Write the folder of the earlier run in place of {name}; it is not recorded.": (
        "请把 {name} 换成更早的训练目录，它没有记录。"
    ),
    "An update made it, but its lineage is damaged, so no command can be given.": (
        "它由更新得到，但来历已损坏，无法给出命令。"
    ),
    "With {versions}, and the model and rows of the fingerprints above, the result is the same on"
    " the same kind of processor.": (
        "使用 {versions} 以及与上面的指纹相同的模型和样本，在同类处理器上结果相同。"
    ),
}
