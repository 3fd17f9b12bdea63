#include "lathe/chain/reader.h"

#include <charconv>
#include <cmath>

#include "lathe/base/strings.h"
#include "lathe/chain/text_places.h"

namespace lathe::chain {

using formats::Member;
using formats::Node;

namespace {

/// Go's durations beyond ours: "1.5s", "100us", "1h0.5m".
bool parse_go_duration(std::string_view text, std::chrono::milliseconds& out) {
  struct Unit {
    std::string_view name;
    double millis;
  };
  static constexpr Unit kUnits[] = {{"ns", 1e-6}, {"us", 1e-3}, {"µs", 1e-3}, {"ms", 1},
                                    {"s", 1e3},   {"m", 6e4},   {"h", 3.6e6}};
  double total = 0;
  if (text == "0") {
    out = {};
    return true;
  }
  bool any = false;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    double amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, amount, std::chars_format::fixed);
    if (digits == 0 || error != std::errc{} || end != text.data() + digits) return false;
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789."), text.size());
    const Unit* unit = std::ranges::find(kUnits, text.substr(0, letters), &Unit::name);
    if (unit == std::end(kUnits)) return false;
    total += amount * unit->millis;
    text.remove_prefix(letters);
    any = true;
  }
  constexpr double kLongestMillis = 3.2e12;  // a hundred years
  if (!any || total > kLongestMillis) return false;
  out = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(total)));
  return true;
}

}  // namespace

void Reading::wrong_kind(const Node& node, std::string_view expected, std::string hint) {
  findings.add("wrong-kind", node.at, fmt::format("expected {}, not {}", expected, node.kind_name()), std::move(hint));
}

void Reading::missing(Position at, std::string_view what, std::string_view name, std::string hint) {
  findings.add("missing-field", at, fmt::format("{} has no \"{}\"", what, name), std::move(hint));
}

base::Json json_of(const Node& node) {
  struct Convert {
    base::Json operator()(std::monostate) const { return nullptr; }
    base::Json operator()(bool value) const { return value; }
    base::Json operator()(std::int64_t value) const { return value; }
    base::Json operator()(double value) const { return value; }
    base::Json operator()(const std::string& value) const { return value; }
    base::Json operator()(const Node::List& list) const {
      base::Json all = base::Json::array();
      for (const Node& element : list) all.push_back(json_of(element));
      return all;
    }
    base::Json operator()(const Node::Map& map) const {
      base::Json all = base::Json::object();
      for (const Member& member : map) all[member.key] = json_of(member.value);
      return all;
    }
  };
  return std::visit(Convert{}, node.value);
}

bool read_value(const Node& node, std::string& out, Reading& reading) {
  if (const std::string* text = node.text()) {
    out = *text;
    return true;
  }
  const bool plain = !node.is_null() && node.list() == nullptr && node.map() == nullptr;
  reading.wrong_kind(node, "text", plain ? "put it in quotes" : "");
  return false;
}

bool read_value(const Node& node, bool& out, Reading& reading) {
  if (const bool* value = std::get_if<bool>(&node.value)) {
    out = *value;
    return true;
  }
  reading.wrong_kind(node, "true or false");
  return false;
}

bool read_value(const Node& node, std::int64_t& out, Reading& reading) {
  const auto* value = std::get_if<std::int64_t>(&node.value);
  if (value == nullptr) {
    reading.wrong_kind(node, "a whole number");
    return false;
  }
  if (*value < 0) {
    reading.findings.add("bad-number", node.at, fmt::format("{} is below 0", *value));
    return false;
  }
  out = *value;
  return true;
}

bool read_value(const Node& node, double& out, Reading& reading) {
  if (const auto* value = std::get_if<double>(&node.value)) {
    out = *value;
  } else if (const auto* whole = std::get_if<std::int64_t>(&node.value)) {
    out = static_cast<double>(*whole);
  } else {
    reading.wrong_kind(node, "a number");
    return false;
  }
  return true;
}

bool read_value(const Node& node, std::chrono::milliseconds& out, Reading& reading) {
  const bool contenox = reading.dialect == Dialect::kContenox;
  if (const auto* nanoseconds = std::get_if<std::int64_t>(&node.value); contenox && nanoseconds != nullptr) {
    out = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(*nanoseconds));
    return true;
  }
  const std::string* text = node.text();
  if (text == nullptr) {
    reading.findings.add("bad-duration", node.at, fmt::format("expected a duration, not {}", node.kind_name()),
                         "such as 15s, 5m or 1h30m");
    return false;
  }
  if (parse_go_duration(*text, out)) return true;
  const auto duration = base::parse_duration(*text);
  if (!duration.ok()) {
    reading.findings.add("bad-duration", node.at, duration.error().message, duration.error().hint);
    return false;
  }
  out = *duration;
  return true;
}

namespace {

bool parse_template(const std::string& text, Position at, templates::Template& out, Reading& reading) {
  std::vector<templates::Fault> faults;
  out = templates::Template::parse(text, reading.syntax(), faults);
  for (templates::Fault& fault : faults) {
    const Position place = reading.source == nullptr ? at : place_in_text(*reading.source, at, fault.at);
    reading.findings.add("template-syntax", place, std::move(fault.message), std::move(fault.hint));
  }
  return faults.empty();
}

}  // namespace

bool read_value(const Node& node, templates::Template& out, Reading& reading) {
  std::string text;
  return read_value(node, text, reading) && parse_template(text, node.at, out, reading);
}

bool read_loose(const Node& node, templates::Template& out, Reading& reading) {
  std::string text;
  if (const bool* flag = std::get_if<bool>(&node.value)) {
    text = *flag ? "true" : "false";
  } else if (const auto* whole = std::get_if<std::int64_t>(&node.value)) {
    text = std::to_string(*whole);
  } else if (const auto* number = std::get_if<double>(&node.value)) {
    text = fmt::format("{}", *number);
  } else if (!read_value(node, text, reading)) {
    return false;
  }
  return parse_template(text, node.at, out, reading);
}

bool read_value(const Node& node, base::Json& out, Reading&) {
  out = json_of(node);
  return true;
}

bool read_value(const Node& node, Session& out, Reading& reading) {
  constexpr std::string_view kFork = "fork_from:";
  std::string text;
  if (!read_value(node, text, reading)) return false;
  if (text == "shared") {
    out = {};
  } else if (text == "new") {
    out = {.kind = Session::Kind::kNew, .task = ""};
  } else if (text.starts_with(kFork) && text.size() > kFork.size()) {
    out = {.kind = Session::Kind::kFork, .task = std::string(base::trim(text.substr(kFork.size())))};
  } else {
    reading.findings.unknown("unknown-choice", node.at, fmt::format("\"session\" cannot be \"{}\"", text), text,
                             {"shared", "new", "fork_from:<task>"});
    return false;
  }
  return true;
}

bool read_value(const Node& node, Join& out, Reading& reading) {
  if (const auto* count = std::get_if<std::int64_t>(&node.value)) {
    out = {.kind = Join::Kind::kCount, .count = *count};
    return true;
  }
  std::string text;
  if (!read_value(node, text, reading)) return false;
  if (text == "all" || text == "any") {
    out.kind = text == "all" ? Join::Kind::kAll : Join::Kind::kAny;
    return true;
  }
  reading.findings.unknown("unknown-choice", node.at, fmt::format("\"join\" cannot be \"{}\"", text), text,
                           {"all", "any", "a number"});
  return false;
}

const Node* Reader::take(std::string_view name) {
  known_.emplace_back(name);
  if (node_.map() == nullptr) return nullptr;
  const Member* found = nullptr;
  for (const Member& member : *node_.map()) {
    if (!formats::same_key(member.key, name)) continue;
    if (found != nullptr) {
      reading_.findings.add("duplicate-key", member.key_at,
                            fmt::format("\"{}\" and \"{}\" are the same key", found->key, member.key));
    }
    found = &member;
  }
  return found == nullptr || found->value.is_null() ? nullptr : &found->value;
}

void Reader::finish(const std::vector<std::string>& elsewhere, std::string_view where) {
  if (node_.map() == nullptr) return;
  const auto is_one_of = [](const std::vector<std::string>& names, std::string_view key) {
    return std::ranges::any_of(names, [&](const std::string& name) { return formats::same_key(name, key); });
  };
  for (const Member& member : *node_.map()) {
    if (is_one_of(known_, member.key)) continue;
    if (is_one_of(elsewhere, member.key)) {
      reading_.findings.add("field-without-effect", member.key_at,
                            fmt::format("\"{}\" does nothing {}", member.key, where));
    } else {
      reading_.findings.add("unknown-field", member.key_at, fmt::format("\"{}\" is not a known field", member.key),
                            base::did_you_mean(member.key, known_));
    }
  }
}

std::size_t Reader::index_of(const Node& node, std::string_view name, std::span<const std::string_view> words) {
  std::string text;
  if (!read_value(node, text, reading_)) return words.size();
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) {
    const std::vector<std::string> known(words.begin(), words.end());
    if (name == "operator") {
      reading_.findings.unknown("unknown-operator", node.at, fmt::format("there is no operator \"{}\"", text), text,
                                known);
    } else {
      reading_.findings.unknown("unknown-choice", node.at, fmt::format("\"{}\" cannot be \"{}\"", name, text), text,
                                known);
    }
  }
  return static_cast<std::size_t>(found - words.begin());
}

const Node::Map* Reader::members_of(std::string_view name) {
  const Node* found = take(name);
  if (found != nullptr && found->map() == nullptr) reading_.wrong_kind(*found, "a map");
  return found == nullptr ? nullptr : found->map();
}

void Reader::object(std::string_view name, Transition& out, std::string_view) {
  const Node* found = take(name);
  if (found == nullptr) return;
  out.at = found->at;
  read_map(*found, out);
}

void Reader::named(std::string_view name, std::vector<NamedText>& out, std::string_view) {
  const Node::Map* members = members_of(name);
  if (members == nullptr) return;
  for (const Member& member : *members) {
    NamedText& text = out.emplace_back(NamedText{.name = member.key, .at = member.key_at, .value = {}});
    if (!read_loose(member.value, text.value.value, reading_)) continue;
    text.value.at = member.value.at;
    text.value.from = Text::From::kFile;
  }
}

void Reader::named(std::string_view name, std::vector<ToolPolicy>& out, std::string_view) {
  const Node::Map* members = members_of(name);
  if (members == nullptr) return;
  for (const Member& member : *members) {
    ToolPolicy& policy = out.emplace_back(ToolPolicy{.toolset = member.key, .at = member.key_at, .keys = {}});
    const Node only{.value = Node::Map{{.key = "keys", .key_at = member.key_at, .value = member.value}},
                    .at = member.key_at};
    Reader(only, reading_).named("keys", policy.keys);
  }
}

void Reader::named(std::string_view name, std::vector<Input>& out, std::string_view) {
  const Node::Map* members = members_of(name);
  if (members == nullptr) return;
  for (const Member& member : *members) {
    Input& input = out.emplace_back();
    input.name = member.key;
    input.at = member.key_at;
    read_map(member.value, input);
  }
}

}  // namespace lathe::chain
