#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/chain/flow.h"
#include "lathe/chain/graph.h"

namespace lathe::chain {

/// What all formats draw: a node for each task and one for the end, an arrow for each way.
struct Picture {
  enum class Shape : std::uint8_t { kBox, kDiamond, kRound, kEnd };
  struct Node {
    std::string name;
    std::string handler;
    Shape shape = Shape::kBox;
    std::optional<TaskState> state = {};
  };
  struct Arrow {
    std::size_t from = 0;
    std::size_t to = 0;
    std::string label;
    /// For failures and spent budgets.
    bool dashed = false;
  };
  std::string title;
  std::size_t entry = 0;
  /// The last one is the end.
  std::vector<Node> nodes;
  std::vector<Arrow> arrows;
};

[[nodiscard]] Picture picture_of(const Chain& chain, const LiveStates& live);
[[nodiscard]] std::string_view word_of(TaskState state);
/// graph_svg.cc.
[[nodiscard]] std::string draw_svg(const Picture& picture);

}  // namespace lathe::chain
