"""The Chinese texts on streams, as the Chinese pages of the docs say them."""

from __future__ import annotations

CHINESE_STREAMS: dict[str, str] = {
    # The card.
    "stream study, {status}": "持续学习实验，{status}",
    "A cell failed: {reason}": "一个单元失败：{reason}",
    "{number} more cells failed.": "另有 {number} 个单元失败。",
    "Cells still to come: {number} of {planned}. The figures are means over the others.": (
        "还有 {number} 个单元没有测量（共 {planned} 个）；各项数字是其余单元的均值。"
    ),
    "The stream": "实验",
    "what comes": "学习的内容",
    "{number} domains, one in each step": "{number} 个领域，每步一个",
    "{number} classes, {new} new ones in each step": "{number} 个类别，每步新增 {new} 个",
    "names": "名称",
    "strategies": "策略",
    "strategy": "策略",
    "orders": "顺序",
    "order": "顺序",
    "cells": "单元",
    "{done} of {planned} measured": "已测量 {done} 个，共 {planned} 个",
    "rows that may be kept, at most": "最多保留的样本",
    "{share} of the rows seen": "已见样本的 {share}",
    "last measurement": "最后一次测量",
    "It compares ways to go on learning, with these rows in these orders: what each one learns of"
    " the new rows, and what it forgets of the old ones.": (
        "用这些样本、按这些顺序，比较各种继续学习的方法：从新样本中学到多少，对旧样本遗忘多少。"
    ),
    "Other data or another network: a strategy may forget more or less there.": (
        "其他数据或其他网络：同一策略在那里可能忘得更多或更少。"
    ),
    "Decisions and notes": "决定与说明",
    "Cells still to come": "尚未测量的单元",
    "The record does not name them; the next table counts the cells of each strategy.": (
        "记录中没有列出是哪些；下一个表格给出每种策略已测量的单元数。"
    ),
    "The command at the end of the page goes on with them.": "页面末尾的命令会继续测量它们。",
    "No cell was measured yet.": "还没有测量任何单元。",
    # What is kept.
    "What is kept at the end": "最后保留了多少",
    "Macro-F1 at the end, mean over the domains": "最后的宏平均 F1，对领域取平均",
    "The highest mean is {value}: {name}. Lines are 95 % intervals.": (
        "均值最高的是 {name}，{value}。横线是 95 % 区间。"
    ),
    "The bounds to compare others with have another color: {names}.": (
        "另一种颜色的是用于比较的上下界：{names}。"
    ),
    "macro-F1 in %": "宏平均 F1（%）",
    "decay in points": "衰减（百分点）",
    "decay less than naive": "比 naive 少衰减",
    "What each strategy keeps": "每种策略保留了多少",
    "Decay until the end": "到最后的衰减",
    "The lowest mean is {value} points: {name}. Lines are 95 % intervals; left of 0, more is gained"
    " than lost.": (
        "均值最低的是 {name}，{value} 个百分点。横线是 95 % 区间；在 0 的左边，得到的比丢失的多。"
    ),
    "decay in points of macro-F1": "宏平均 F1 的衰减（百分点）",
    "points above naive": "高于 naive（百分点）",
    "when learned": "刚学完时",
    "forgetting": "遗忘",
    "backward transfer": "后向迁移",
    "forward transfer": "前向迁移",
    "What each strategy gains and forgets": "每种策略学到和遗忘了多少",
    "naive was not measured, so nothing is compared with it.": (
        "没有测量 naive，因此没有与它的比较。"
    ),
    "95 % intervals: Student's t over {number} orders, whose seeds are averaged.": (
        "95 % 区间：先对同一顺序的各种子取平均，再对 {number} 个顺序用 t 分布计算。"
    ),
    "95 % intervals: Student's t over {number} seeds.": (
        "95 % 区间：对 {number} 个种子用 t 分布计算。"
    ),
    "The interval of the share by which decay is less than that of naive is Fieller's (1954); there"
    " is none where the decay of naive may be zero.": (
        "“比 naive 少衰减”的区间是 Fieller 区间（1954）；若 naive 的衰减可能为零，则不给出区间。"
    ),
    "In a stream of classes, the classes of one step are a domain.": (
        "按类别学习时，每一步的各类别就是一个领域。"
    ),
    "Macro-F1: mean over all domains at the end, each on its own test rows.": (
        "宏平均 F1：最后一步之后对全部领域取平均，每个领域用自己的测试样本。"
    ),
    "Decay: macro-F1 right after a domain was learned minus that at the end; mean over all domains"
    " but the last. Backward transfer is the same with the other sign.": (
        "衰减：刚学完某领域时的宏平均 F1 减去最后的值，对最后一个领域以外的领域取平均。"
        "后向迁移是它的相反数。"
    ),
    "Decay less than naive: by which share the decay is below that of going on training with the"
    " new rows alone. It is over 100 % where something is gained.": (
        "比 naive 少衰减：naive 只用新样本继续训练；这一项是衰减比它少多少，反而提高时超过 100 %。"
    ),
    "Forgetting: the best macro-F1 before the last step minus that at the end (Chaudhry et al."
    " 2018). Forward transfer: macro-F1 right before a domain is learned minus that of its most"
    " frequent class (Lopez-Paz and Ranzato 2017).": (
        "遗忘：最后一步之前最好的宏平均 F1 减去最后的值（Chaudhry 等，2018）。"
        "前向迁移：即将学习某领域时的宏平均 F1，减去总答最多数类别时的值"
        "（Lopez-Paz、Ranzato，2017）。"
    ),
    "A strategy that learns little has little to lose: read decay with macro-F1.": (
        "学得少的策略本来就没有多少可丢：衰减要和宏平均 F1 一起看。"
    ),
    # The steps and the domains.
    "After each step": "每一步之后",
    "Macro-F1 over the domains learned so far, after each step": (
        "每一步之后，已学领域的宏平均 F1"
    ),
    "After the last step: {values}.": "最后一步之后：{values}。",
    "across: steps; up: macro-F1 in %": "横轴：步；纵轴：宏平均 F1（%）",
    "What is lost of each domain": "每个领域丢失了多少",
    "Change of each domain until the end": "每个领域到最后的变化",
    "The largest loss is {points} points: {strategy}, {domain}. Marks left of the line are losses,"
    " marks right of it gains.": (
        "损失最大的是 {domain}，策略 {strategy}：{points} 个百分点。竖线左边是损失，右边是提高。"
    ),
    "No mean loses anything. Marks right of the line are gains.": (
        "没有任何领域的均值下降。竖线右边是提高。"
    ),
    "points of macro-F1, at the end minus right after learning": (
        "宏平均 F1 的百分点：最后的值减去刚学完时的值"
    ),
    "domain": "领域",
    "Only the first {shown} of {all} are drawn.": "共 {all} 个，只画出前 {shown} 个。",
    # What each strategy needs.
    "What each strategy needs": "每种策略需要什么",
    "new rows": "新样本",
    "kept rows": "保留的样本",
    "its own state": "自己的状态",
    "all old rows": "全部旧样本",
    "reads": "用到",
    "rows kept": "保留的样本数",
    "KiB": "KiB",
    "what it does": "做法",
    "Rows kept: rows of earlier domains that the last lesson could read, and their share of these"
    " rows. KiB: these rows, their recorded answers, the strategy's own state. Seconds: all"
    " lessons after the first domain. All are means over the cells.": (
        "保留的样本数：最后一次学习能读到的旧领域样本及其占比。KiB：这些样本、所记录的答案和策略自身的状态。"
        "秒数：第一个领域之后的所有学习。均为对单元的平均。"
    ),
    "goes on training with the new rows alone; the bound to compare others with": (
        "只用新样本继续训练；其他策略与它比较的下界"
    ),
    "updates only the dense layers at the end, with the new rows": "只用新样本更新末端的全连接层",
    "retrains only the last layer, with kept and new rows; the features stay": (
        "用保留的样本和新样本重新训练最后一层，特征不变"
    ),
    "trains on the new rows, held near the answers of the version before": (
        "用新样本训练，让答案接近上一版本"
    ),
    "trains on the new rows with as many kept rows in each step": (
        "用新样本训练，每一步混入同样多的保留样本"
    ),
    "replay that also holds the kept rows at their recorded answers (DER++)": (
        "回放，并让保留的样本保持所记录的答案（DER++）"
    ),
    "trains on the new rows; weights that mattered for the old ones resist (EWC)": (
        "用新样本训练，对旧样本重要的权重少变动（EWC）"
    ),
    "computes the last layer from class means and a covariance that forget nothing": (
        "由不会遗忘的类别均值和协方差算出最后一层"
    ),
    "n-gram networks: exact counts of all rows hold the weights, no row is kept": (
        "n 元组网络：用全部样本的精确计数约束权重，不保留样本"
    ),
    "learns all old and new rows again; the bound that others can reach at best": (
        "用全部新旧样本重新学习；其他策略最多能达到的上界"
    ),
    # Orders, settings, repeating.
    "Orders and seeds": "顺序与种子",
    "steps": "各步",
    "What comes after what": "先后顺序",
    "The study named these orders.": "这些顺序由实验指定。",
    "The orders were drawn at random. They depend only on the names, so the same study has the same"
    " orders again.": "顺序是随机抽取的，只取决于名称，所以同样的实验会得到同样的顺序。",
    "Every strategy learned every order with the random seeds {seeds}.": (
        "每种策略在每个顺序上都用随机种子 {seeds} 学习。"
    ),
    "Settings of the stream": "实验的设置",
    "The settings of the network and of the first training are in the file at the end of the"
    " page.": "网络和第一次训练的设置见页面末尾的文件。",
    "Machines that measured it": "测量所用的机器",
    "This is its file. Paths in it lead from the folder in which the command ran:": (
        "这是它的文件，其中的路径从运行命令时所在的文件夹算起："
    ),
    "The record does not have the name of the column with the domains. Write it in place of"
    " {name}.": "记录中没有领域所在列的名称，请把 {name} 换成它。",
    "Its file would be too long for this page. stream.json has the settings.": (
        "它的文件太长，这里不列出。设置见 stream.json。"
    ),
    "Its file cannot be written from the record: the recipe is not here, or the record was changed."
    " stream.json has the settings.": (
        "无法由记录写出它的文件：这里没有该配方，或者记录有变化。设置见 stream.json。"
    ),
}
