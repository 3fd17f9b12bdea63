#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lathe/chain/chain.h"

// The ways through a chain as a graph over the indices of its tasks; `end()` is the index behind the last one. Ids that
// do not exist make no way: check.h reports them.

namespace lathe::chain {

struct Way {
  /// kStart: a branch of a parallel or map task; kBudget: where a spent budget leads, the chain's from its first task.
  enum class Kind : std::uint8_t { kBranch, kFailure, kStart, kBudget };
  std::size_t from = 0;
  std::size_t to = 0;
  Kind kind = Kind::kBranch;
  Position at = {};
  /// The branch of `from` that it is, for kBranch.
  const Branch* branch = nullptr;
  /// Set when it is taken a limited number of times in a run: an index into limits().
  std::optional<std::size_t> limit = {};
};

/// Ways of one task that are taken at most `count` times together: those behind an edge counter, when every loop
/// through one of them passes the counted edge, and those that are taken once by their nature.
struct Limit {
  std::size_t task = 0;
  std::int64_t count = 0;
  Position at = {};
};

/// "from->to" of an edge counter, without the blanks around the two; nothing when it is not written so.
struct Edge {
  std::string from;
  std::string to;
};
[[nodiscard]] std::optional<Edge> parse_edge(std::string_view text);
/// The number of an edge counter; nothing unless it is one from 1 on.
[[nodiscard]] std::optional<std::int64_t> edge_count(const Branch& branch);

/// Refers to the chain, which outlives it and must not change.
class Flow final {
 public:
  explicit Flow(const Chain& chain);

  [[nodiscard]] const Chain& chain() const { return chain_; }
  [[nodiscard]] std::size_t end() const { return chain_.tasks.size(); }
  [[nodiscard]] const std::vector<Way>& ways() const { return ways_; }
  /// Indices of the ways that leave the task.
  [[nodiscard]] const std::vector<std::size_t>& leaving(std::size_t task) const { return out_[task]; }
  [[nodiscard]] const std::vector<Limit>& limits() const { return limits_; }
  [[nodiscard]] std::optional<std::size_t> index_of(std::string_view id) const;
  [[nodiscard]] std::string name_of(std::size_t task) const;
  /// Whether branches, failures or budgets lead from the one to the other.
  [[nodiscard]] bool goes(const Edge& edge) const;

  /// kWalk: what one branch does, without what its parallel and map tasks start. kUnlimitedWalk: without what is taken
  /// a limited number of times, too.
  enum class Follow { kAll, kWalk, kUnlimitedWalk };
  /// For each task and the end: whether a way leads there from `start`, which counts itself.
  [[nodiscard]] std::vector<bool> reach(std::size_t start, Follow follow = Follow::kAll) const;
  [[nodiscard]] static bool follows(const Way& way, Follow follow);
  /// The same against the ways: from where one of the goals is reached.
  [[nodiscard]] std::vector<bool> reaching(const std::vector<std::size_t>& goals) const;
  /// Loops that no limit ends, one for each knot of tasks: its tasks in their order of the file.
  [[nodiscard]] std::vector<std::vector<std::size_t>> endless_loops() const;
  /// A loop in words: "review -> run_tools -> review".
  [[nodiscard]] std::string loop_text(const std::vector<std::size_t>& loop) const;

 private:
  void add_task(std::size_t task);
  void add(std::size_t from, const Name& to, Way::Kind kind, const Branch* branch = nullptr);
  void find_limits(std::size_t task);
  void limit_single_ways();
  void index_ways();
  /// From where the task is reached without a way of those.
  [[nodiscard]] std::vector<bool> coming_back(std::size_t task, const std::function<bool(const Way&)>& but) const;

  const Chain& chain_;
  std::unordered_map<std::string_view, std::size_t> indices_;
  std::vector<Way> ways_;
  /// For each task, the indices of the ways that leave it.
  std::vector<std::vector<std::size_t>> out_;
  /// Those that lead to it.
  std::vector<std::vector<std::size_t>> in_;
  std::size_t counters_ = 0;
  std::vector<Limit> limits_;
};

}  // namespace lathe::chain
