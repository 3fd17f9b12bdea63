#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"

namespace lathe::chain {
namespace {

bool is_same(const Chain& a, const Chain& b) { return &a == &b || (a.id && *a.id == *b.id); }

/// The names on the way from `chain` back to the one that is checked; empty when there is none.
std::vector<std::string> way_back(const Checking& c, const Chain& chain, std::set<const Chain*>& seen) {
  if (is_same(chain, c.chain)) return {*chain.id};
  if (!seen.insert(&chain).second) return {};
  for (const Task& task : chain.tasks) {
    const auto* sub = std::get_if<SubChain>(&task.does);
    const Chain* next = sub == nullptr ? nullptr : c.around.chain(*sub->chain);
    if (next == nullptr) continue;
    std::vector<std::string> way = way_back(c, *next, seen);
    if (way.empty()) continue;
    way.insert(way.begin(), *chain.id);
    return way;
  }
  return {};
}

void check_with(Checking& c, const Task& task, const SubChain& sub, const Chain& chain) {
  std::vector<std::string> names;
  for (const Input& input : chain.inputs) names.push_back(input.name);
  for (const NamedText& given : sub.with) {
    if (std::ranges::find(names, given.name) != names.end()) continue;
    c.findings.unknown("unknown-chain-input", given.at,
                       fmt::format("{}: the chain \"{}\" has no input \"{}\"", called(task), *sub.chain, given.name),
                       given.name, names);
  }
  for (const Input& input : chain.inputs) {
    const bool needed = input.required ? *input.required : !input.fallback;
    const bool given = std::ranges::find(sub.with, input.name, &NamedText::name) != sub.with.end();
    // What a chain reads from the standard input is the task's input there.
    if (!needed || given || *input.from == InputSource::kStdin) continue;
    c.findings.add("missing-chain-input", sub.chain.at,
                   fmt::format("{}: the chain \"{}\" needs the input \"{}\"", called(task), *sub.chain, input.name),
                   "give it in \"with\"");
  }
}

}  // namespace

void check_sub_chains(Checking& c) {
  for (const Task& task : c.chain.tasks) {
    const auto* sub = std::get_if<SubChain>(&task.does);
    if (sub == nullptr || !sub->chain) continue;
    const bool itself = c.chain.id && *sub->chain == *c.chain.id;
    const Chain* chain = itself ? &c.chain : c.around.chain ? c.around.chain(*sub->chain) : nullptr;
    if (chain == nullptr) {
      if (!c.around.chain) continue;
      c.findings.add("unknown-chain", sub->chain.at,
                     fmt::format("{}: there is no chain \"{}\" here", called(task), *sub->chain),
                     "lathe chain list shows those that there are");
      continue;
    }
    std::set<const Chain*> seen;
    const std::vector<std::string> way = way_back(c, *chain, seen);
    if (!way.empty()) {
      c.findings.add(
          "chain-cycle", sub->chain.at,
          fmt::format("the chains {} -> {} start each other without end", *c.chain.id, base::join(way, " -> ")));
      continue;
    }
    check_with(c, task, *sub, *chain);
  }
}

}  // namespace lathe::chain
