#include "lathe/chain/flow.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "lathe/base/strings.h"

namespace lathe::chain {
namespace {

/// More of them are not looked at, which only makes a bound larger: each costs a walk through the chain.
constexpr std::size_t kMostCounters = 1000;

}  // namespace

std::optional<Edge> parse_edge(std::string_view text) {
  const std::size_t arrow = text.find("->");
  if (arrow == std::string_view::npos) return std::nullopt;
  Edge edge{.from = std::string(base::trim(text.substr(0, arrow))),
            .to = std::string(base::trim(text.substr(arrow + 2)))};
  if (edge.from.empty() || edge.to.empty()) return std::nullopt;
  return edge;
}

std::optional<std::int64_t> edge_count(const Branch& branch) {
  const std::string_view text = base::trim(branch.when->text());
  std::int64_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failed != std::errc{} || end != text.data() + text.size() || count < 1) return std::nullopt;
  return count;
}

Flow::Flow(const Chain& chain) : chain_(chain) {
  for (std::size_t task = 0; task < chain_.tasks.size(); ++task) indices_.emplace(*chain_.tasks[task].id, task);
  for (std::size_t task = 0; task < chain_.tasks.size(); ++task) add_task(task);
  if (chain_.budget && chain_.budget->on_exceeded && !chain_.tasks.empty()) {
    add(chain_.entry, chain_.budget->on_exceeded, Way::Kind::kBudget);
  }
  index_ways();
  limit_single_ways();
  for (std::size_t task = 0; task < chain_.tasks.size(); ++task) find_limits(task);
}

void Flow::add_task(std::size_t index) {
  const Task& task = chain_.tasks[index];
  // What only fails has no other way on.
  const bool fails = std::holds_alternative<RaiseError>(task.does);
  if (!fails) {
    for (const Branch& branch : task.transition.branches) add(index, branch.go_to, Way::Kind::kBranch, &branch);
    if (task.transition.branches.empty() || *task.transition.no_match == NoMatch::kEnd) {
      ways_.push_back({.from = index, .to = end(), .kind = Way::Kind::kBranch, .at = task.at});
    }
  }
  if (task.transition.on_failure) add(index, task.transition.on_failure, Way::Kind::kFailure);
  if (fails && !task.transition.on_failure) {
    ways_.push_back({.from = index, .to = end(), .kind = Way::Kind::kFailure, .at = task.at});
  }
  if (task.budget && task.budget->on_exceeded) add(index, task.budget->on_exceeded, Way::Kind::kBudget);
  if (const auto* parallel = std::get_if<Parallel>(&task.does)) {
    for (const Name& start : parallel->start) add(index, start, Way::Kind::kStart);
  }
  if (const auto* map = std::get_if<Map>(&task.does)) {
    if (map->start) add(index, map->start, Way::Kind::kStart);
  }
}

void Flow::add(std::size_t from, const Name& to, Way::Kind kind, const Branch* branch) {
  const bool ends = to->empty() || *to == kEnd;
  const std::optional<std::size_t> target = ends ? end() : index_of(*to);
  if (!target) return;
  Position at = to.at;
  if (branch != nullptr && !to) at = branch->at;
  ways_.push_back({.from = from, .to = *target, .kind = kind, .at = at, .branch = branch});
}

void Flow::index_ways() {
  out_.assign(chain_.tasks.size() + 1, {});
  in_.assign(chain_.tasks.size() + 1, {});
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    out_[ways_[i].from].push_back(i);
    in_[ways_[i].to].push_back(i);
  }
}

std::optional<std::size_t> Flow::index_of(std::string_view id) const {
  const auto found = indices_.find(id);
  return found == indices_.end() ? std::nullopt : std::optional(found->second);
}

std::string Flow::name_of(std::size_t task) const { return task == end() ? std::string(kEnd) : *chain_.tasks[task].id; }

bool Flow::goes(const Edge& edge) const {
  const auto from = index_of(edge.from);
  const auto to = edge.to == kEnd ? std::optional(end()) : index_of(edge.to);
  return from && to && std::ranges::any_of(out_[*from], [&](std::size_t way) {
           return ways_[way].to == *to && ways_[way].kind != Way::Kind::kStart;
         });
}

// A spent budget leads on once, and so does a failure where the dialect says so.
void Flow::limit_single_ways() {
  for (Way& way : ways_) {
    const bool once = way.kind == Way::Kind::kBudget ||
                      (way.kind == Way::Kind::kFailure && chain_.tasks[way.from].transition.on_failure_once);
    if (!once) continue;
    way.limit = limits_.size();
    limits_.push_back({.task = way.from, .count = 1, .at = way.at});
  }
}

std::vector<bool> Flow::coming_back(std::size_t task, const std::function<bool(const Way&)>& but) const {
  std::vector<bool> seen(end() + 1, false);
  std::vector<std::size_t> open = {task};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    for (const std::size_t index : in_[at]) {
      if (!but(ways_[index])) open.push_back(ways_[index].from);
    }
  }
  return seen;
}

// An edge counter guards the branches behind it, and the default, which is always tried after it: they are taken only
// while the edge was traversed fewer than `count` times. When every way from their targets back to the task passes the
// edge, the n-th such branch is taken after at least n - 1 traversals, so that there are at most `count` of them.
void Flow::find_limits(std::size_t task) {
  const Transition& transition = chain_.tasks[task].transition;
  if (*transition.take == Take::kAll) return;
  for (std::size_t i = 0; i < transition.branches.size(); ++i) {
    const Branch& counter = transition.branches[i];
    const auto count = edge_count(counter);
    const auto edge = parse_edge(*counter.edge);
    if (*counter.op != Operator::kEdgeTraversedAtLeast || !count || !edge) continue;
    if (++counters_ > kMostCounters) return;
    const auto from = index_of(edge->from);
    const auto to = edge->to == kEnd ? std::optional(end()) : index_of(edge->to);
    if (!from || !to) continue;
    const auto passes = [&](const Way& way) {
      return way.from == *from && way.to == *to && way.kind == Way::Kind::kBranch;
    };
    const std::vector<bool> comes_back = coming_back(task, passes);
    std::vector<std::size_t> guarded;
    bool holds = true;
    for (const std::size_t index : out_[task]) {
      const Way& way = ways_[index];
      if (way.branch == nullptr || way.branch == &counter) continue;
      const bool behind = way.branch > &counter || *way.branch->op == Operator::kDefault;
      if (!behind || way.limit || way.to == end()) continue;
      holds = holds && (passes(way) || !comes_back[way.to]);
      guarded.push_back(index);
    }
    if (!holds || guarded.empty()) continue;
    for (const std::size_t index : guarded) ways_[index].limit = limits_.size();
    limits_.push_back({.task = task, .count = *count, .at = counter.at});
  }
}

bool Flow::follows(const Way& way, Follow follow) {
  if (follow == Follow::kAll) return true;
  return way.kind != Way::Kind::kStart && (follow == Follow::kWalk || !way.limit);
}

std::vector<bool> Flow::reach(std::size_t start, Follow follow) const {
  std::vector<bool> seen(end() + 1, false);
  std::vector<std::size_t> open = {start};
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    for (const std::size_t index : out_[at]) {
      const Way& way = ways_[index];
      if (follows(way, follow)) open.push_back(way.to);
    }
  }
  return seen;
}

std::vector<bool> Flow::reaching(const std::vector<std::size_t>& goals) const {
  std::vector<bool> seen(end() + 1, false);
  std::vector<std::size_t> open = goals;
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    for (const std::size_t index : in_[at]) open.push_back(ways_[index].from);
  }
  return seen;
}

std::vector<std::vector<std::size_t>> Flow::endless_loops() const {
  // Tarjan's knots, without recursion: a chain may have very many tasks in a row.
  struct Frame {
    std::size_t task;
    std::size_t next = 0;
  };
  constexpr std::size_t kUnseen = static_cast<std::size_t>(-1);
  std::vector<std::size_t> order(end() + 1, kUnseen);
  std::vector<std::size_t> low(end() + 1, 0);
  std::vector<bool> on_stack(end() + 1, false);
  std::vector<std::size_t> stack;
  std::vector<std::vector<std::size_t>> loops;
  std::size_t counter = 0;
  const auto loops_to_itself = [&](std::size_t task) {
    return std::ranges::any_of(out_[task], [&](std::size_t way) { return !ways_[way].limit && ways_[way].to == task; });
  };
  for (std::size_t root = 0; root < end(); ++root) {
    if (order[root] != kUnseen) continue;
    std::vector<Frame> frames = {{root}};
    while (!frames.empty()) {
      Frame& frame = frames.back();
      const std::size_t task = frame.task;
      if (frame.next == 0 && order[task] == kUnseen) {
        order[task] = low[task] = counter++;
        stack.push_back(task);
        on_stack[task] = true;
      }
      if (frame.next < out_[task].size()) {
        const Way& way = ways_[out_[task][frame.next++]];
        if (way.limit || way.to == end()) continue;
        if (order[way.to] == kUnseen) {
          frames.push_back({way.to});
        } else if (on_stack[way.to]) {
          low[task] = std::min(low[task], order[way.to]);
        }
        continue;
      }
      frames.pop_back();
      if (!frames.empty()) low[frames.back().task] = std::min(low[frames.back().task], low[task]);
      if (low[task] != order[task]) continue;
      std::vector<std::size_t> knot;
      while (true) {
        const std::size_t member = stack.back();
        stack.pop_back();
        on_stack[member] = false;
        knot.push_back(member);
        if (member == task) break;
      }
      std::ranges::sort(knot);
      if (knot.size() > 1 || loops_to_itself(task)) loops.push_back(std::move(knot));
    }
  }
  std::ranges::sort(loops);
  return loops;
}

std::string Flow::loop_text(const std::vector<std::size_t>& loop) const {
  // The shortest way from the first task back to itself inside of the knot.
  const std::size_t start = loop.front();
  std::map<std::size_t, std::size_t> came_from;
  std::vector<std::size_t> open = {start};
  for (std::size_t i = 0; i < open.size() && !came_from.contains(start); ++i) {
    for (const std::size_t index : out_[open[i]]) {
      const Way& way = ways_[index];
      if (way.limit || !std::ranges::binary_search(loop, way.to) || came_from.contains(way.to)) continue;
      came_from[way.to] = open[i];
      if (way.to != start) open.push_back(way.to);
    }
  }
  std::vector<std::string> names = {name_of(start)};
  for (std::size_t at = start; came_from.contains(at);) {
    at = came_from[at];
    names.push_back(name_of(at));
    if (at == start) break;
  }
  std::ranges::reverse(names);
  return base::join(names, " -> ");
}

}  // namespace lathe::chain
