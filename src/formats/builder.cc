#include "lathe/formats/builder.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::formats {

base::Error error_at(std::string_view file, Position at, std::string_view message, std::string hint) {
  const std::string place = file.empty() ? "" : fmt::format("{}:{}:{}: ", file, at.line, at.column);
  return {.code = base::codes::kInvalid, .message = place + std::string(message), .hint = std::move(hint)};
}

namespace {

std::size_t count_values(const Node& node) {
  std::size_t count = 1;
  if (const auto* list = node.list()) {
    for (const Node& element : *list) count += count_values(element);
  } else if (const auto* map = node.map()) {
    for (const Member& member : *map) count += count_values(member.value);
  }
  return count;
}

std::size_t depth_of(const Node& node) {
  std::size_t below = 0;
  if (const auto* list = node.list()) {
    for (const Node& element : *list) below = std::max(below, depth_of(element));
  } else if (const auto* map = node.map()) {
    for (const Member& member : *map) below = std::max(below, depth_of(member.value));
  } else {
    return 0;
  }
  return below + 1;
}

}  // namespace

void Builder::fail(Position at, std::string_view message, std::string hint) {
  if (ok()) error_ = error_at(file_, at, message, std::move(hint));
}

void Builder::limit(Position at, const std::string& what) {
  if (!ok()) return;
  error_ = error_at(file_, at, what);
  error_->code = base::codes::kLimit;
}

void Builder::too_large(std::size_t bytes) {
  limit({}, fmt::format("{} bytes are over the limit of {}", bytes, limits_.max_bytes));
}

bool Builder::wants_key() const {
  return !open_.empty() && open_.back().node.map() != nullptr && !open_.back().has_key;
}

void Builder::key(std::string key, Position at) {
  auto& members = std::get<Node::Map>(open_.back().node.value);
  members.push_back({.key = std::move(key), .key_at = at, .value = {}});
  open_.back().has_key = true;
}

void Builder::open(Node node) {
  if (open_.size() >= limits_.max_depth) {
    limit(node.at, fmt::format("nested deeper than {} levels", limits_.max_depth));
    return;
  }
  open_.push_back({.node = std::move(node)});
}

void Builder::end() {
  Node node = std::move(open_.back().node);
  open_.pop_back();
  if (const auto* members = node.map()) {
    std::vector<const Member*> sorted;
    sorted.reserve(members->size());
    for (const Member& member : *members) sorted.push_back(&member);
    std::ranges::sort(sorted, {},
                      [](const Member* member) { return std::pair(std::string_view(member->key), member); });
    const auto twice = std::ranges::adjacent_find(sorted, {}, &Member::key);
    if (twice != sorted.end()) {
      fail((*(twice + 1))->key_at, fmt::format("\"{}\" is given twice", (*twice)->key),
           fmt::format("it is first given in line {}", (*twice)->key_at.line));
    }
  }
  place(std::move(node));
}

void Builder::copy(const Node& node) {
  if (open_.size() + depth_of(node) > limits_.max_depth) {
    limit(node.at, fmt::format("aliases unfold deeper than {} levels", limits_.max_depth));
    return;
  }
  if (count(node.at, count_values(node) - 1)) place(node);
}

Node Builder::remember() {
  if (!ok() || !count(last_->at, count_values(*last_))) return {};
  return *last_;
}

bool Builder::count(Position at, std::size_t values) {
  values_ += values;
  if (values_ <= limits_.max_values) return true;
  limit(at, fmt::format("more than {} values, those of aliases included", limits_.max_values));
  return false;
}

void Builder::place(Node node) {
  if (!ok() || !count(node.at, 1)) return;
  if (open_.empty()) {
    root_ = std::move(node);
    last_ = &root_;
    return;
  }
  Open& parent = open_.back();
  if (auto* list = std::get_if<Node::List>(&parent.node.value)) {
    last_ = &list->emplace_back(std::move(node));
    return;
  }
  Member& member = std::get<Node::Map>(parent.node.value).back();
  member.value = std::move(node);
  parent.has_key = false;
  last_ = &member.value;
}

base::Result<Document> Builder::finish() && {
  if (!ok()) return *error_;
  return Document{.file = std::move(file_), .root = std::move(root_)};
}

}  // namespace lathe::formats
