#include "lathe/chain/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/chain/picture.h"

namespace lathe::chain {
namespace {

constexpr std::size_t kLongestLabel = 40;

/// On one line, and short.
std::string short_label(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace(text, '\r', ' ');
  std::ranges::replace(text, '\t', ' ');
  if (text.size() <= kLongestLabel) return text;
  return std::string(base::utf8_prefix(text, kLongestLabel)) + "…";
}

std::string label_of(const Way& way) {
  switch (way.kind) {
    case Way::Kind::kFailure:
      return "failure";
    case Way::Kind::kStart:
      return "starts";
    case Way::Kind::kBudget:
      return "budget spent";
    case Way::Kind::kBranch:
      break;
  }
  if (way.branch == nullptr) return "";
  const Branch& branch = *way.branch;
  switch (*branch.op) {
    case Operator::kEquals:
      return short_label(branch.when->text());
    case Operator::kContains:
      return short_label("contains " + branch.when->text());
    case Operator::kStartsWith:
      return short_label("starts with " + branch.when->text());
    case Operator::kEndsWith:
      return short_label("ends with " + branch.when->text());
    case Operator::kEdgeTraversedAtLeast:
      return short_label(fmt::format("{} ≥ {}", *branch.edge, branch.when->text()));
    case Operator::kCommandSucceeds:
      return short_label("if " + branch.when->text());
    case Operator::kDefault:
    case Operator::kAlways:
      return "";
  }
  return "";
}

Picture::Shape shape_of(const Task& task) {
  if (std::holds_alternative<Route>(task.does)) return Picture::Shape::kDiamond;
  if (std::holds_alternative<Human>(task.does) || std::holds_alternative<Wait>(task.does))
    return Picture::Shape::kRound;
  return Picture::Shape::kBox;
}

std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "#quot;";
        break;
      case '#':
        out += "#35;";
        break;
      case '<':
        out += "#lt;";
        break;
      case '>':
        out += "#gt;";
        break;
      case '&':
        out += "#amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string draw_mermaid(const Picture& picture) {
  std::string out = "flowchart TD\n  begin((\" \")) --> n" + std::to_string(picture.entry) + "\n";
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    const Picture::Node& node = picture.nodes[i];
    const std::string label =
        mermaid_text(node.name) + (node.handler.empty() ? "" : "<br/>" + mermaid_text(node.handler));
    switch (node.shape) {
      case Picture::Shape::kBox:
        out += fmt::format("  n{}[\"{}\"]", i, label);
        break;
      case Picture::Shape::kDiamond:
        out += fmt::format("  n{}{{\"{}\"}}", i, label);
        break;
      case Picture::Shape::kRound:
      case Picture::Shape::kEnd:
        out += fmt::format("  n{}([\"{}\"])", i, label);
        break;
    }
    out += (node.state ? fmt::format(":::{}", word_of(*node.state)) : "") + "\n";
  }
  for (const Picture::Arrow& arrow : picture.arrows) {
    const std::string label = arrow.label.empty() ? "" : fmt::format("|\"{}\"|", mermaid_text(arrow.label));
    out += fmt::format("  n{} {}{} n{}\n", arrow.from, arrow.dashed ? "-.->" : "-->", label, arrow.to);
  }
  if (std::ranges::any_of(picture.nodes, [](const Picture::Node& node) { return node.state.has_value(); })) {
    out +=
        "  classDef waiting fill:#eee\n  classDef running fill:#fd8\n  classDef done fill:#bfb\n  classDef failed "
        "fill:#fbb\n";
  }
  return out;
}

std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string draw_dot(const Picture& picture) {
  std::string out = fmt::format("digraph \"{}\" {{\n  node [shape=box];\n", dot_text(picture.title));
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    const Picture::Node& node = picture.nodes[i];
    std::string style;
    if (node.shape == Picture::Shape::kDiamond) style = ", shape=diamond";
    if (node.shape == Picture::Shape::kRound || node.shape == Picture::Shape::kEnd) style = ", shape=oval";
    if (node.state) style += fmt::format(", class=\"{}\"", word_of(*node.state));
    if (i == picture.entry) style += ", penwidth=2";
    const std::string handler = node.handler.empty() ? "" : "\\n" + dot_text(node.handler);
    out += fmt::format("  n{} [label=\"{}{}\"{}];\n", i, dot_text(node.name), handler, style);
  }
  for (const Picture::Arrow& arrow : picture.arrows) {
    std::string style = arrow.label.empty() ? "" : fmt::format("label=\"{}\"", dot_text(arrow.label));
    if (arrow.dashed) style += style.empty() ? "style=dashed" : ", style=dashed";
    out += fmt::format("  n{} -> n{}{};\n", arrow.from, arrow.to, style.empty() ? "" : " [" + style + "]");
  }
  return out + "}\n";
}

std::string draw_text(const Picture& picture) {
  std::string out;
  for (std::size_t i = 0; i + 1 < picture.nodes.size(); ++i) {
    const Picture::Node& node = picture.nodes[i];
    out += fmt::format("{}{} ({}){}\n", i == picture.entry ? "* " : "  ", node.name, node.handler,
                       node.state ? fmt::format(" [{}]", word_of(*node.state)) : "");
    for (const Picture::Arrow& arrow : picture.arrows) {
      if (arrow.from != i) continue;
      out += fmt::format("    {}-> {}\n", arrow.label.empty() ? "" : arrow.label + " ", picture.nodes[arrow.to].name);
    }
  }
  return out;
}

}  // namespace

std::string_view word_of(TaskState state) {
  switch (state) {
    case TaskState::kWaiting:
      return "waiting";
    case TaskState::kRunning:
      return "running";
    case TaskState::kDone:
      return "done";
    case TaskState::kFailed:
      return "failed";
  }
  return "";
}

Picture picture_of(const Chain& chain, const LiveStates& live) {
  const Flow flow(chain);
  Picture picture{.title = chain.id ? *chain.id : chain.file, .entry = chain.entry, .nodes = {}, .arrows = {}};
  for (const Task& task : chain.tasks) {
    Picture::Node& node = picture.nodes.emplace_back();
    node.name = short_label(*task.id);
    node.handler = task.handler();
    node.shape = shape_of(task);
    if (const auto state = live.find(*task.id); state != live.end()) node.state = state->second;
  }
  picture.nodes.push_back({.name = std::string(kEnd), .handler = "", .shape = Picture::Shape::kEnd});
  for (const Way& way : flow.ways()) {
    const bool dashed = way.kind == Way::Kind::kFailure || way.kind == Way::Kind::kBudget;
    picture.arrows.push_back({.from = way.from, .to = way.to, .label = label_of(way), .dashed = dashed});
  }
  return picture;
}

std::optional<GraphFormat> graph_format(std::string_view word) {
  if (word == "svg") return GraphFormat::kSvg;
  if (word == "mermaid") return GraphFormat::kMermaid;
  if (word == "dot") return GraphFormat::kDot;
  if (word == "text") return GraphFormat::kText;
  return std::nullopt;
}

std::string draw(const Chain& chain, GraphFormat format, const LiveStates& live) {
  const Picture picture = picture_of(chain, live);
  switch (format) {
    case GraphFormat::kSvg:
      return draw_svg(picture);
    case GraphFormat::kMermaid:
      return draw_mermaid(picture);
    case GraphFormat::kDot:
      return draw_dot(picture);
    case GraphFormat::kText:
      return draw_text(picture);
  }
  return "";
}

}  // namespace lathe::chain
