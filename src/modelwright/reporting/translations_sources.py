"""Texts about data, training, engines, commands and studies in Chinese; English is the key."""

from __future__ import annotations

CHINESE_SOURCES = {
    # Data.
    "Data": "数据",
    "Source": "来源",
    "rejected rows": "被拒绝的样本数",
    "fingerprint": "指纹",
    "The data cannot be read now, so its lengths, copies and conflicts are missing here:"
    " {reason}": "现在无法读取数据，因此这里没有长度、重复和标签冲突的情况：{reason}",
    "Rows of each class": "各类别的样本数",
    "The rows of each class are not recorded.": "没有记录各类别的样本数。",
    "{classes} classes; the smallest has {least} rows, the largest {most}.": (
        "共 {classes} 个类别；最小的有 {least} 个样本，最大的有 {most} 个。"
    ),
    "The {shown} largest of {all} classes are drawn; the table has {rows}.": (
        "共 {all} 个类别，图中画出最大的 {shown} 个；表中列出 {rows} 个。"
    ),
    "Found in the rows": "数据概况",
    "smallest class over largest": "最小类与最大类之比",
    "height × width × channels": "高 × 宽 × 通道数",
    "script of most letters": "主要文字",
    "rows with the content of an earlier row": "内容与前面某个样本相同的样本数",
    "contents under two labels": "同时带有两种标签的内容",
    "{second} rows whose content is in {first}": "{second}集中内容也出现在{first}集的样本数",
    "Characters of the texts": "文本的字符数",
    "characters": "字符数",
    "From {min} to {max} characters; half of the texts have at most {median}, 95 % at most {p95}."
    " Longer texts than {top} are in the last bar.": (
        "从 {min} 到 {max} 个字符；一半文本不超过 {median}，95 % 不超过 {p95}。"
        "超过 {top} 的文本计入最后一条。"
    ),
    "content": "内容",
    "Contents under two labels, the first of them": "同时带有两种标签的内容（前几例）",
    "Decisions made while the data was read": "读取数据时所作的决定",
    "Rejected rows": "被拒绝的样本",
    "The first {shown} of {all}; rejected.csv in the run has all.": (
        "共 {all} 个，这里列出前 {shown} 个；全部见训练目录中的 rejected.csv。"
    ),
    "The list of rejected rows, rejected.csv, is not in the run.": (
        "训练目录中没有被拒绝样本的列表 rejected.csv。"
    ),
    # Training.
    "Training": "训练",
    "The training": "训练概况",
    "status": "状态",
    "epochs": "轮数",
    "epoch": "轮次",
    "{epochs}, the best was number {best}": "{epochs}，最好的是第 {best} 轮",
    "{epochs}, the last was taken": "{epochs}，采用最后一轮",
    "seconds": "秒数",
    "found by a solver": "由求解器求得",
    "training accuracy": "训练准确率",
    "validation accuracy": "验证准确率",
    "cross-validated accuracy of training rows": "训练集上的交叉验证准确率",
    "random seed": "随机种子",
    "numeric precision": "数值精度",
    "Accuracy of each epoch": "各轮的准确率",
    "Loss of each epoch": "各轮的损失",
    "After the last epoch: {values}.": "最后一轮之后：{values}。",
    "The dotted line is epoch {best}, whose weights are kept.": (
        "虚线处是第 {best} 轮，保留的是这一轮的权重。"
    ),
    "Values that are not finite are left out of the drawing.": "非有限的数值没有画出。",
    "The run is not here, so there are no training curves: they are not in the servable.": (
        "找不到对应的训练目录，因此没有训练曲线：它们不在可部署模型中。"
    ),
    "There are no training curves: no epoch has ended.": "没有训练曲线：还没有一轮训练结束。",
    "There are no training curves: the training had one epoch.": "没有训练曲线：训练只有一轮。",
    "Settings other than the defaults": "与默认值不同的设置",
    # Engines.
    "Engines and quantization": "推理引擎与量化",
    "engine": "推理引擎",
    "checked rows": "核对的样本数",
    "largest difference": "概率的最大差",
    "labels changed": "标签变化",
    "Engines, checked against the network": "各引擎与原网络的核对结果",
    "why it is missing": "缺少的原因",
    "Missing engines": "缺少的引擎",
    "{name} is missing": "缺少 {name}",
    "There is no servable of these weights here, so there are no engines.": (
        "这里没有由这组权重导出的可部署模型，因此没有推理引擎。"
    ),
    "It was not quantized, so there is no table of sizes and times.": (
        "没有做过量化，因此没有大小和耗时的表格。"
    ),
    "The table of quantization cannot be read: {reason}": "无法读取量化结果表：{reason}",
    "Accuracy of each engine": "各引擎的准确率",
    "Measured on {rows} rows ({split}); the lines are 95 % intervals over the rows.": (
        "在 {rows} 个样本（{split}）上测得；横线是对样本的 95 % 区间。"
    ),
    "Size, accuracy and time of each engine, one thread": "各引擎的大小、准确率与耗时（单线程）",
    "times smaller": "缩小倍数",
    "points": "相差（百分点）",
    "rows/s": "样本/秒",
    "cold start s": "冷启动秒数",
    "peak MiB": "内存峰值 MiB",
    "Quantization": "量化",
    "machine": "机器",
    "recommended": "推荐",
    # Versions, serving, repeating.
    "Versions and lineage": "版本与来源",
    "Lineage": "来源",
    "data": "数据",
    "fingerprint of the data": "数据指纹",
    "not found here": "这里没有找到",
    "sha256 of the weights": "权重的 sha256",
    "backbone: {key}": "骨干网络：{key}",
    "none of these weights": "没有由这组权重导出的",
    "package": "软件包",
    "version": "版本",
    "versions": "版本",
    "Versions that trained it": "训练所用的版本",
    "All exports of the run": "这次训练的全部导出",
    "How to serve it": "如何部署",
    "There is nothing to serve before the training has finished.": "训练完成之前没有可部署的模型。",
    "These commands start a server on this machine:": "以下命令在本机启动服务器：",
    "This command asks it, in another terminal:": "在另一个终端中用以下命令发送请求：",
    "How to repeat it": "如何复现",
    "These commands train, measure and export it again:": "以下命令重新训练、评估并导出：",
    "Its settings cannot be written as options; config.toml in the run has them all.": (
        "它的设置无法写成命令行选项；全部设置见训练目录中的 config.toml。"
    ),
    "With random seed {seed}, {versions}, and data with the fingerprint {fingerprint}, the result"
    " is the same on the same kind of processor.": (
        "使用随机种子 {seed}、{versions} 以及指纹为 {fingerprint} 的数据，在同类处理器上结果相同。"
    ),
    # Several models, and studies.
    "Side by side": "并列比较",
    "Models side by side": "各模型并列",
    "Accuracy of each model": "各模型的准确率",
    "The lines are 95 % intervals over the rows.": "横线是对样本的 95 % 区间。",
    "best baseline": "最强基线",
    "The models were trained and measured on different rows, so their figures cannot be compared"
    " directly.": "这些模型的训练和评估数据不同，因此数字不能直接比较。",
    "Accuracy minus that of {name}, on the same rows": "在相同的样本上，与 {name} 的准确率之差",
    "Exact randomization tests over the rows. Another seed may change the result.": (
        "对样本的精确随机化检验。换一个随机种子，结果可能不同。"
    ),
    "There is no paired test: the runs were not measured on the same rows.": (
        "没有配对检验：这些训练没有在相同的样本上评估。"
    ),
    "Settings that differ": "不同的设置",
    "All settings are the same.": "所有设置都相同。",
    "What was compared": "比较的内容",
    "The study": "对比实验",
    "variant": "变体",
    "variants": "变体数",
    "seed": "种子",
    "seeds": "种子数",
    "random seeds": "随机种子",
    "no run yet": "还没有训练",
    "last training": "最后一次训练",
    "Trainings still to come: {number}.": "还有 {number} 次训练没有进行。",
    "It compares the settings of these variants on these rows, each with the same seeds.": (
        "用相同的随机种子，在这些数据上比较各变体的设置。"
    ),
    "Other data: a difference between variants may be another one there.": (
        "其他数据：变体之间的差异可能不同。"
    ),
    "Differences within the intervals: they may be chance.": "区间以内的差异：可能只是偶然。",
    "No training has finished yet.": "还没有完成的训练。",
    "Accuracy of each variant": "各变体的准确率",
    "The highest mean is {accuracy}: {name}. Small dots are single seeds, lines are 95 %"
    " intervals.": "平均值最高的是 {accuracy}：{name}。小圆点是单个种子，横线是 95 % 区间。",
    "minutes": "分钟",
    "Every training": "每次训练",
    "95 % intervals: {methods}.": "95 % 区间：{methods}。",
    "Student's t over the seeds": "对种子的 t 区间（Student）",
    "Wilson's score over the rows, where seeds show no spread": (
        "种子之间没有差异时，对样本的 Wilson 得分区间"
    ),
    "Newcombe's over the rows, where seeds show no spread": (
        "种子之间没有差异时，对样本的 Newcombe 区间"
    ),
    "Differences": "差异",
    "No variant names another as its reference, so nothing was tested.": (
        "没有变体以另一个变体为参照，因此没有做检验。"
    ),
    "against": "参照",
    "95 % over seeds": "95 % 区间（种子）",
    "p over seeds": "p（种子）",
    "95 % over rows": "95 % 区间（样本）",
    "p over rows": "p（样本）",
    "Differences of accuracy, in percentage points": "准确率之差（百分点）",
    "How to read them": "如何解读",
    "Over seeds: a paired t-test says what another training would change.": (
        "对种子：配对 t 检验，说明重新训练会带来多大变化。"
    ),
    "Over rows: an exact randomization test says what other rows would change.": (
        "对样本：精确随机化检验，说明换一批数据会带来多大变化。"
    ),
    "p is two-sided, corrected by Holm's method for all comparisons; the intervals are not.": (
        "p 是双侧的，并按 Holm 方法对全部比较作了校正；区间没有校正。"
    ),
    "Settings": "设置",
    "own settings": "自身的设置",
    "Settings of the variants": "各变体的设置",
    "folder": "文件夹",
    "memory in MiB": "内存 MiB",
    "instruction sets": "指令集",
    "Machines that trained it": "训练所用的机器",
    "This command runs the study, or goes on with it:": "以下命令运行或继续这项对比实验：",
    "These commands train the first seed of each variant alone:": (
        "以下命令单独训练各变体的第一个种子："
    ),
}
