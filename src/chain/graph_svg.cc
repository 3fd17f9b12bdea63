#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/utf8.h"
#include "lathe/chain/picture.h"

// Layers from top to bottom by the shortest way from the first task; within a layer in the order of the file. An arrow
// to the next layer is a line; every other one goes around the right side.

namespace lathe::chain {
namespace {

constexpr int kGapX = 48;
constexpr int kGapY = 64;
constexpr int kHeight = 44;
constexpr int kLetter = 8;
constexpr int kMargin = 24;

struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  std::size_t layer = 0;
  [[nodiscard]] int middle() const { return x + width / 2; }
};

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Other control characters must not stand in XML at all.
        if (static_cast<unsigned char>(c) >= ' ') out += c;
    }
  }
  return base::to_utf8(out);
}

std::vector<std::size_t> layers_of(const Picture& picture) {
  const std::size_t count = picture.nodes.size();
  std::vector<std::size_t> layers(count, count);
  std::vector<std::vector<std::size_t>> out(count);
  for (const Picture::Arrow& arrow : picture.arrows) out[arrow.from].push_back(arrow.to);
  std::vector<std::size_t> open = {picture.entry};
  layers[picture.entry] = 0;
  for (std::size_t i = 0; i < open.size(); ++i) {
    for (const std::size_t to : out[open[i]]) {
      if (layers[to] != count) continue;
      layers[to] = layers[open[i]] + 1;
      open.push_back(to);
    }
  }
  // What no way leads to stands below, and the end at the bottom.
  std::size_t deepest = 0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (layers[i] != count) deepest = std::max(deepest, layers[i]);
  }
  bool lost = false;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (layers[i] != count) continue;
    layers[i] = deepest + 1;
    lost = true;
  }
  layers[count - 1] = deepest + (lost ? 2 : 1);
  return layers;
}

std::vector<Box> place_boxes(const Picture& picture) {
  const std::vector<std::size_t> layers = layers_of(picture);
  std::vector<int> next_x(layers.back() + 1, kMargin);
  std::vector<Box> boxes(picture.nodes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const std::size_t letters = std::max(picture.nodes[i].name.size(), picture.nodes[i].handler.size());
    int& x = next_x[layers[i]];
    boxes[i] = {.x = x,
                .y = kMargin + static_cast<int>(layers[i]) * (kHeight + kGapY),
                .width = static_cast<int>(letters) * kLetter + 2 * kLetter,
                .layer = layers[i]};
    x += boxes[i].width + kGapX;
  }
  const int widest = *std::ranges::max_element(next_x);
  for (Box& box : boxes) box.x += (widest - next_x[box.layer]) / 2;
  return boxes;
}

std::string_view fill_of(const Picture::Node& node) {
  if (!node.state) return "#ffffff";
  switch (*node.state) {
    case TaskState::kWaiting:
      return "#eeeeee";
    case TaskState::kRunning:
      return "#ffdd88";
    case TaskState::kDone:
      return "#bbffbb";
    case TaskState::kFailed:
      return "#ffbbbb";
  }
  return "#ffffff";
}

std::string draw_node(const Picture::Node& node, const Box& box) {
  const int radius = node.shape == Picture::Shape::kBox ? 4 : kHeight / 2;
  const bool two_lines = !node.handler.empty();
  std::string out =
      fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{}\" stroke=\"#333333\"{}/>\n",
                  box.x, box.y, box.width, kHeight, radius, fill_of(node),
                  node.shape == Picture::Shape::kDiamond ? " stroke-dasharray=\"8 2\"" : "");
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", box.middle(),
                     box.y + (two_lines ? 18 : 27), xml_text(node.name));
  if (two_lines) {
    out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#777777\">{}</text>\n", box.middle(),
                       box.y + 35, xml_text(node.handler));
  }
  return out;
}

/// `side`: how far right the arrows that go around are; each has a lane of its own.
std::string draw_arrow(const Picture::Arrow& arrow, const std::vector<Box>& boxes, int& side) {
  const Box& from = boxes[arrow.from];
  const Box& to = boxes[arrow.to];
  std::string path;
  int label_x = (from.middle() + to.middle()) / 2 + 4;
  int label_y = (from.y + kHeight + to.y) / 2;
  if (to.layer == from.layer + 1) {
    path = fmt::format("M{} {} L{} {}", from.middle(), from.y + kHeight, to.middle(), to.y);
  } else {
    side += 16;
    const int out_y = from.y + kHeight / 2;
    const int in_y = to.y + kHeight / 2 + (arrow.from == arrow.to ? 10 : 0);
    path = fmt::format("M{} {} C{} {} {} {} {} {}", from.x + from.width, out_y, side, out_y, side, in_y,
                       to.x + to.width, in_y);
    label_x = side - 16;
    label_y = (out_y + in_y) / 2;
  }
  std::string out = fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#333333\"{} marker-end=\"url(#tip)\"/>\n", path,
                                arrow.dashed ? " stroke-dasharray=\"5 4\"" : "");
  if (!arrow.label.empty()) {
    out += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#335599\">{}</text>\n", label_x, label_y, xml_text(arrow.label));
  }
  return out;
}

}  // namespace

std::string draw_svg(const Picture& picture) {
  if (picture.nodes.size() < 2) return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n";
  const std::vector<Box> boxes = place_boxes(picture);
  int right = 0;
  int bottom = 0;
  for (const Box& box : boxes) {
    right = std::max(right, box.x + box.width);
    bottom = std::max(bottom, box.y + kHeight);
  }
  int side = right + kGapX;
  std::string inside;
  std::size_t longest = 0;
  for (const Picture::Arrow& arrow : picture.arrows) {
    inside += draw_arrow(arrow, boxes, side);
    longest = std::max(longest, arrow.label.size());
  }
  for (std::size_t i = 0; i < boxes.size(); ++i) inside += draw_node(picture.nodes[i], boxes[i]);
  const int width = side + static_cast<int>(longest) * kLetter + kMargin;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
             "font-family=\"monospace\" font-size=\"13\">\n<title>{2}</title>\n"
             "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
             "orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#333333\"/></marker></defs>\n",
             width, bottom + kMargin, xml_text(picture.title)) +
         inside + "</svg>\n";
}

}  // namespace lathe::chain
