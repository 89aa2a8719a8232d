"""The texts of tables on pages in English and Chinese. The English text is the key."""

from __future__ import annotations

from typing import Literal

PageLanguage = Literal["en", "zh"]

_CHINESE = {
    "variant": "变体",
    "published": "公开数字",
    "its own code": "其自身代码",
    "here": "这里",
    "95 %": "95 % 区间",
    "{low} to {high}": "{low} 至 {high}",
    "seeds": "种子数",
    "points": "相差",
    "reached": "达到",
    "gap": "差距",
    "macro-F1": "宏平均 F1",
    "minutes": "分钟",
    "yes": "是",
    "no": "否",
    "points: here minus published; gap: training accuracy minus this one": (
        "相差：这里减公开数字；差距：训练准确率减这里的准确率；单位都是百分点"
    ),
    "{rows} {split} rows, {share} of them in the most common class": (
        "{rows} 行（{split}），最大类占 {share}"
    ),
    "published: {source}": "公开数字出处：{source}",
    "seeds {seeds}; 95 %: {methods}": "种子 {seeds}；95 % 区间：{methods}",
    "Student's t over the seeds": "对种子的 t 区间（Student）",
    "Wilson's score over the rows": "对行的 Wilson 得分区间",
    "with test-time augmentation: {names}": "使用测试时增强：{names}",
    "{date}, {machine}, trained in {precision}": "{date}，{machine}，训练精度 {precision}",
    "{date}, {machine}": "{date}，{machine}",
    "again: {command}": "重新测量：{command}",
    "failed: {what}": "失败：{what}",
    "other settings today: {what}": "如今的设置不同：{what}",
    "{study}, {variant}: {here}, {points} points below the published {claimed}": (
        "{study}，{variant}：{here}，比公开的 {claimed} 低 {points} 个百分点"
    ),
    "; it lies within the interval": "，公开数字在区间之内",
    "Everything measured is reached.": "已测量的都达到了。",
    "Nothing has been measured yet.": "尚未测量。",
    "Not measured yet.": "尚未测量。",
    "side": "一方",
    "rows/s": "行/秒",
    "images/s": "张/秒",
    "steps/s": "步/秒",
    "seconds to target": "达到目标的秒数",
    "epoch at target": "在第几轮",
    "reviews": "评论数",
    "s": "秒",
    "MiB": "MiB",
    "times smaller": "缩小倍数",
    "accuracy": "准确率",
    "flips": "标签变化",
    "largest difference": "概率最大差",
    "p50 ms": "p50 毫秒",
    "p95 ms": "p95 毫秒",
    "p99 ms": "p99 毫秒",
    "network ms": "网络本身的毫秒数",
    "cold start s": "冷启动秒数",
    "s per step": "每步秒数",
    "s to prepare a batch": "准备一批的秒数",
    "waiting": "等待占比",
    "s to open": "打开所需秒数",
    "s loading": "加载秒数",
    "s for the vocabulary": "建词表秒数",
    "s encoding": "编码秒数",
    "s per epoch": "一轮秒数",
    "s measuring": "评估秒数",
    "s in total": "总秒数",
    "CPU s": "各核合计秒数",
    "CPU µs per row": "每行的处理器微秒数",
    "epochs": "轮数",
    "validation": "验证准确率",
    "best validation": "最好的验证准确率",
    "validation at the end": "最后的验证准确率",
    "test": "测试准确率",
    "peak MiB": "内存峰值 MiB",
    "MiB for data": "其中数据所占 MiB",
    "requests/s at 1": "每秒请求数，1 个连接",
    "p50 ms at 1": "p50 毫秒，1 个连接",
    "p99 ms at 1": "p99 毫秒，1 个连接",
    "requests/s at 8": "每秒请求数，8 个连接",
    "p50 ms at 8": "p50 毫秒，8 个连接",
    "p99 ms at 8": "p99 毫秒，8 个连接",
    "requests/s at 64": "每秒请求数，64 个连接",
    "p50 ms at 64": "p50 毫秒，64 个连接",
    "p99 ms at 64": "p99 毫秒，64 个连接",
    "CPU ms at 8": "每个请求的处理器毫秒，8 个连接",
    "s until ready": "就绪秒数",
    "MiB per worker": "每个进程 MiB",
    "MiB resident": "常驻内存 MiB",
    "requests": "请求数",
    "broken rules": "违反规则",
    "valid requests": "正常请求",
    "wrong answers to them": "其中不正确",
    "failed": "失败",
    "wrong answers": "错误答案",
    "sent again after a kill": "强杀后重发",
    "changes not seen": "未生效的变更",
    "answered": "已应答",
    "in flight at the stop": "停止时在途",
    "unanswered of these": "其中未应答",
    "max s to exit": "到结束的最多秒数",
    "MiB at the start": "开始时 MiB",
    "MiB halfway": "中途 MiB",
    "MiB at the end": "最后 MiB",
    "max MiB": "最多 MiB",
    "max MiB per worker": "每个进程最多 MiB",
    "weights": "权重数",
    "precision": "精度",
    "version": "版本",
    "{name}: {values}": "{name}：{values}",
    "options: {values}": "选项：{values}",
    "load average {before} before, {after} after": "负载：之前 {before}，之后 {after}",
}


def say(text: str, language: PageLanguage = "en", **values: object) -> str:
    """Returns a text in the language, with its fields filled in.

    Raises:
        KeyError: the text has no Chinese translation.
    """
    return (text if language == "en" else _CHINESE[text]).format(**values)
