#include "lathe/formats/decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"
#include "lathe/formats/read.h"

namespace lathe::formats {

void Problems::error(Position at, std::string_view message, std::string hint) {
  const auto after = std::ranges::upper_bound(error_places_, at);
  errors_.insert(errors_.begin() + (after - error_places_.begin()), error_at(file_, at, message, std::move(hint)));
  error_places_.insert(after, at);
}

void Problems::warning(Position at, std::string_view message, std::string hint) {
  warnings_.push_back(error_at(file_, at, message, std::move(hint)));
}

base::Result<void> Problems::result() const {
  if (ok()) return {};
  if (errors_.size() == 1) return errors_.front();
  base::Error all = errors_.front();
  for (std::size_t i = 1; i < errors_.size(); ++i) {
    if (i == 1) all.message = errors_.front().text();
    all.message += '\n' + errors_[i].text();
  }
  all.hint.clear();
  return all;
}

void wrong_kind(const Node& node, std::string_view expected, Problems& problems) {
  problems.error(node.at, fmt::format("expected {}, not {}", expected, node.kind_name()));
}

bool decode(const Node& node, std::string& out, Problems& problems) {
  if (const std::string* text = node.text()) {
    out = *text;
    return true;
  }
  const bool plain = !node.is_null() && node.list() == nullptr && node.map() == nullptr;
  problems.error(node.at, fmt::format("expected text, not {}", node.kind_name()), plain ? "put it in quotes" : "");
  return false;
}

bool decode(const Node& node, bool& out, Problems& problems) {
  if (const bool* value = std::get_if<bool>(&node.value)) {
    out = *value;
    return true;
  }
  wrong_kind(node, "true or false", problems);
  return false;
}

bool decode(const Node& node, std::int64_t& out, Problems& problems) {
  if (const auto* value = std::get_if<std::int64_t>(&node.value)) {
    out = *value;
    return true;
  }
  wrong_kind(node, "a whole number", problems);
  return false;
}

bool decode(const Node& node, double& out, Problems& problems) {
  if (const auto* value = std::get_if<double>(&node.value)) {
    out = *value;
  } else if (const auto* whole = std::get_if<std::int64_t>(&node.value)) {
    out = static_cast<double>(*whole);
  } else {
    wrong_kind(node, "a number", problems);
    return false;
  }
  return true;
}

bool decode(const Node& node, std::chrono::milliseconds& out, Problems& problems) {
  const std::string* text = node.text();
  if (text == nullptr) {
    problems.error(node.at, fmt::format("expected a duration, not {}", node.kind_name()), "such as 15s, 5m or 1h30m");
    return false;
  }
  const auto duration = base::parse_duration(*text);
  if (!duration.ok()) {
    problems.error(node.at, duration.error().message, duration.error().hint);
    return false;
  }
  out = *duration;
  return true;
}

bool decode(const Node& node, std::map<std::string, std::string>& out, Problems& problems) {
  if (node.map() == nullptr) {
    wrong_kind(node, "a map", problems);
    return false;
  }
  std::map<std::string, std::string> values;
  bool good = true;
  for (const Member& member : *node.map()) good = decode(member.value, values[member.key], problems) && good;
  if (good) out = std::move(values);
  return good;
}

bool same_key(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x == '_' ? '-' : x) == (y == '_' ? '-' : y); });
}

MapReader::MapReader(const Node& node, Problems& problems) : node_(node), problems_(problems) {
  if (node.map() == nullptr && !node.is_null()) wrong_kind(node, "a map", problems);
}

const Node* MapReader::take(std::string_view key) {
  known_.emplace_back(key);
  const Member* found = nullptr;
  if (node_.map() == nullptr) return nullptr;
  for (const Member& member : *node_.map()) {
    if (!same_key(member.key, key)) continue;
    if (found != nullptr) {
      problems_.error(member.key_at, fmt::format("\"{}\" and \"{}\" are the same key", found->key, member.key));
    }
    found = &member;
  }
  return found == nullptr ? nullptr : &found->value;
}

bool MapReader::optional_choice(std::string_view key, const std::vector<std::string>& choices, std::string& out) {
  const Node* value = take(key);
  std::string text;
  if (value == nullptr || !decode(*value, text, problems_)) return false;
  if (std::ranges::find(choices, text) == choices.end()) {
    not_a_choice(value->at, text, choices, problems_);
    return false;
  }
  out = std::move(text);
  return true;
}

void not_a_choice(Position at, std::string_view found, const std::vector<std::string>& choices, Problems& problems) {
  std::string hint = base::did_you_mean(found, choices);
  if (hint.empty()) hint = "one of: " + base::join(choices, ", ");
  problems.error(at, fmt::format("\"{}\" is not known", found), std::move(hint));
}

std::vector<const Member*> MapReader::unnamed() const {
  std::vector<const Member*> members;
  if (node_.map() == nullptr) return members;
  for (const Member& member : *node_.map()) {
    const auto names_it = [&](const std::string& key) { return same_key(key, member.key); };
    if (std::ranges::none_of(known_, names_it)) members.push_back(&member);
  }
  return members;
}

void MapReader::missing(std::string_view key) {
  if (node_.map() == nullptr && !node_.is_null()) return;
  std::vector<std::string> others;
  for (const Member* member : unnamed()) others.push_back(member->key);
  const auto slip = base::nearest(key, others);
  problems_.error(node_.at, fmt::format("\"{}\" is missing", key),
                  slip ? fmt::format("is \"{}\" meant to be it?", *slip) : "");
}

void MapReader::finish(Unknown unknown) {
  for (const Member* found : unnamed()) {
    const Member& member = *found;
    // The suggestion joins its words the way the file does.
    std::vector<std::string> candidates = known_;
    if (member.key.contains('_') && !member.key.contains('-')) {
      for (std::string& candidate : candidates) std::ranges::replace(candidate, '-', '_');
    }
    const std::string message = fmt::format("\"{}\" is not a known key", member.key);
    const std::string hint = base::did_you_mean(member.key, candidates);
    if (unknown == Unknown::kError) {
      problems_.error(member.key_at, message, hint);
    } else {
      problems_.warning(member.key_at, message, hint);
    }
  }
}

}  // namespace lathe::formats
