#include "lathe/chain/visits.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "lathe/chain/amounts.h"

namespace lathe::chain {
namespace {

/// What a visit of a parallel or map task starts.
struct Starts {
  std::vector<std::size_t> tasks;
  Most times = exactly(0);
};

Starts starts_of(const Flow& flow, std::size_t index) {
  const Task& task = flow.chain().tasks[index];
  Starts starts;
  const auto add = [&](const Name& name) {
    if (const auto start = flow.index_of(*name)) starts.tasks.push_back(*start);
  };
  if (const auto* parallel = std::get_if<Parallel>(&task.does)) {
    for (const Name& start : parallel->start) add(start);
    starts.times = exactly(1);
  } else if (const auto* map = std::get_if<Map>(&task.does)) {
    add(map->start);
    starts.times = map->max_items ? exactly(*map->max_items)
                                  : without_end(fmt::format("task \"{}\" takes any number of items", *task.id));
  }
  // Another try starts all of it again.
  starts.times = times(starts.times, exactly(1 + *task.retry_on_failure));
  return starts;
}

class Visits final {
 public:
  explicit Visits(const Flow& flow) : flow_(flow), total_(flow.end(), exactly(0)) {
    const auto forks = [](const Task& task) {
      return *task.transition.take == Take::kAll && task.transition.branches.size() > 1;
    };
    forks_ = std::ranges::any_of(flow.chain().tasks, forks);
    for (const std::vector<std::size_t>& loop : flow.endless_loops()) {
      for (const std::size_t task : loop) loops_[task] = "the loop " + flow.loop_text(loop) + " may go on without end";
    }
  }

  std::vector<Most> count() {
    if (flow_.chain().tasks.empty()) return total_;
    // Walks start walks; one that is reached from itself has no end.
    order_walks(flow_.chain().entry);
    std::ranges::reverse(order_);
    walks_[flow_.chain().entry] = exactly(1);
    for (const std::size_t start : order_) add_walk(start);
    return total_;
  }

 private:
  void order_walks(std::size_t start) {
    if (!marks_.emplace(start, Mark::kOpen).second) return;
    const std::vector<Most>& visits = walk_from(start);
    for (std::size_t task = 0; task < visits.size(); ++task) {
      if (never(visits[task])) continue;
      for (const std::size_t next : starts_of(flow_, task).tasks) {
        const auto seen = marks_.find(next);
        if (seen != marks_.end() && seen->second == Mark::kOpen) endless_.insert({next, flow_.name_of(task)});
        order_walks(next);
      }
    }
    marks_[start] = Mark::kDone;
    order_.push_back(start);
  }

  void add_walk(std::size_t start) {
    Most times_walked = walks_[start];
    if (const auto bad = endless_.find(start); bad != endless_.end()) {
      times_walked = without_end(fmt::format("task \"{}\" starts itself", bad->second));
    }
    const std::vector<Most>& visits = walk_from(start);
    for (std::size_t task = 0; task < visits.size(); ++task) {
      const Most here = times(times_walked, visits[task]);
      total_[task] = plus(total_[task], here);
      const Starts starts = starts_of(flow_, task);
      for (const std::size_t next : starts.tasks) walks_[next] = plus(walks_[next], times(here, starts.times));
    }
  }

  /// How often each task is visited by one walk from `start` to the end.
  const std::vector<Most>& walk_from(std::size_t start) {
    const auto known = by_start_.find(start);
    if (known != by_start_.end()) return known->second;
    const std::vector<bool> walked = flow_.reach(start, Flow::Follow::kWalk);
    std::vector<Most> visits = straight_from(start);
    for (std::size_t limit = 0; limit < flow_.limits().size(); ++limit) {
      const Limit& bound = flow_.limits()[limit];
      if (!walked[bound.task]) continue;
      std::vector<Most> again(flow_.end(), exactly(0));
      for (const Way& way : flow_.ways()) {
        if (way.limit != limit || way.to == flow_.end()) continue;
        const std::vector<Most> from_there = straight_from(way.to);
        for (std::size_t task = 0; task < flow_.end(); ++task) {
          // The ways of one limit share its count: each task is counted for the one that visits it most.
          const bool more =
              !from_there[task].finite() || (again[task].finite() && *from_there[task].most > *again[task].most);
          if (more) again[task] = from_there[task];
        }
      }
      for (std::size_t task = 0; task < flow_.end(); ++task) {
        visits[task] = plus(visits[task], times(exactly(bound.count), again[task]));
      }
    }
    for (std::size_t task = 0; task < flow_.end(); ++task) {
      if (!walked[task]) visits[task] = exactly(0);
    }
    return by_start_.emplace(start, std::move(visits)).first->second;
  }

  /// The same without what is taken a limited number of times: one branch at a time is a line through a graph without
  /// loops, so that each task on it is visited once; where several are taken at once, each way into a task counts.
  std::vector<Most> straight_from(std::size_t start) {
    const std::vector<bool> reached = flow_.reach(start, Flow::Follow::kUnlimitedWalk);
    std::vector<Most> visits(flow_.end(), exactly(0));
    for (std::size_t task = 0; task < flow_.end(); ++task) visits[task] = exactly(reached[task] ? 1 : 0);
    spread_loops(reached, visits);
    if (forks_) count_ways(start, reached, visits);
    return visits;
  }

  /// What is in a loop is visited without end. Behind it a line is walked once; only a fork leaves it more than once.
  void spread_loops(const std::vector<bool>& reached, std::vector<Most>& visits) {
    std::vector<std::size_t> open;
    for (const auto& [task, why] : loops_) {
      if (!reached[task]) continue;
      visits[task] = without_end(why);
      open.push_back(task);
    }
    if (!forks_) return;
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      for (const std::size_t index : flow_.leaving(at)) {
        const Way& way = flow_.ways()[index];
        if (!Flow::follows(way, Flow::Follow::kUnlimitedWalk) || way.to == flow_.end()) continue;
        if (!visits[way.to].finite()) continue;
        visits[way.to] = visits[at];
        open.push_back(way.to);
      }
    }
  }

  /// Where branches are taken together, every way into a task may be taken.
  void count_ways(std::size_t start, const std::vector<bool>& reached, std::vector<Most>& visits) {
    std::vector<std::vector<std::size_t>> out(flow_.end());
    std::vector<std::size_t> in(flow_.end(), 0);
    const auto counts = [&](const Way& way) {
      return Flow::follows(way, Flow::Follow::kUnlimitedWalk) && way.to != flow_.end() && reached[way.from] &&
             visits[way.from].finite() && visits[way.to].finite();
    };
    for (const Way& way : flow_.ways()) {
      if (!counts(way)) continue;
      out[way.from].push_back(way.to);
      ++in[way.to];
    }
    std::vector<Most> ways(flow_.end(), exactly(0));
    ways[start] = exactly(1);
    std::vector<std::size_t> open;
    for (std::size_t task = 0; task < flow_.end(); ++task) {
      if (reached[task] && visits[task].finite() && in[task] == 0) open.push_back(task);
    }
    while (!open.empty()) {
      const std::size_t task = open.back();
      open.pop_back();
      visits[task] = ways[task];
      for (const std::size_t next : out[task]) {
        ways[next] = plus(ways[next], ways[task]);
        if (--in[next] == 0) open.push_back(next);
      }
    }
  }

  enum class Mark { kOpen, kDone };

  const Flow& flow_;
  bool forks_ = false;
  std::map<std::size_t, std::string> loops_;
  std::map<std::size_t, std::vector<Most>> by_start_;
  std::map<std::size_t, Mark> marks_;
  std::vector<std::size_t> order_;
  /// First tasks of walks that are started by themselves, with the task that does so.
  std::map<std::size_t, std::string> endless_;
  std::map<std::size_t, Most> walks_;
  std::vector<Most> total_;
};

}  // namespace

std::vector<Most> visits_of(const Flow& flow) { return Visits(flow).count(); }

}  // namespace lathe::chain
