#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/formats/builder.h"
#include "lathe/formats/read.h"

// yaml-cpp scans and parses; only its events are used, so that every value keeps its place and nothing is built beyond
// the bounds. This is the only file that includes it.

namespace lathe::formats {
namespace {

constexpr std::string_view kCoreTags = "tag:yaml.org,2002:";

/// Leaves yaml-cpp once the builder has an error. Never leaves this file.
struct Stop {};

Position position_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

class YamlEvents final : public YAML::EventHandler {
 public:
  explicit YamlEvents(Builder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(seen_document_, true)) refuse(mark, "a second document in one file is not supported");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_as_key(mark);
    placed(anchor, [&] { builder_.scalar({.value = std::monostate{}, .at = position_of(mark)}); });
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_as_key(mark);
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) refuse(mark, "the alias refers to the value that it is part of");
    placed(YAML::NullAnchor, [&] { builder_.copy(known->second); });
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const Position at = position_of(mark);
    if (builder_.wants_key()) {
      if (text == "<<" && tag == "?") refuse(mark, "merge keys (<<) are not supported; write the keys out");
      builder_.key(text, at);
      return;
    }
    Node node{.value = text, .at = at};
    if (tag == "?" || (tag.starts_with(kCoreTags) && tag != std::string(kCoreTags) + "str")) {
      node.value = plain_scalar(text).value;
    } else if (tag != "!" && !tag.starts_with(kCoreTags)) {
      refuse(mark, fmt::format("the tag {} is not supported", tag));
    }
    placed(anchor, [&] { builder_.scalar(std::move(node)); });
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, anchor);
    builder_.begin_list(position_of(mark));
    stop_on_error();
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, anchor);
    builder_.begin_map(position_of(mark));
    stop_on_error();
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_as_key(mark);
    if (tag != "?" && tag != "!" && !tag.starts_with(kCoreTags)) {
      refuse(mark, fmt::format("the tag {} is not supported", tag));
    }
    open_anchors_.push_back(anchor);
  }
  void end() {
    const YAML::anchor_t anchor = open_anchors_.back();
    open_anchors_.pop_back();
    placed(anchor, [&] { builder_.end(); });
  }

  template <class Place>
  void placed(YAML::anchor_t anchor, Place place) {
    place();
    stop_on_error();
    if (anchor != YAML::NullAnchor) anchors_[anchor] = builder_.remember();
    stop_on_error();
  }
  void refuse_as_key(const YAML::Mark& mark) {
    if (builder_.wants_key()) refuse(mark, "a key must be text");
  }
  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& why) {
    builder_.fail(position_of(mark), why);
    throw Stop{};
  }
  void stop_on_error() {
    if (!builder_.ok()) throw Stop{};
  }

  Builder& builder_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::vector<YAML::anchor_t> open_anchors_;
  bool seen_document_ = false;
};

bool indented_by_tab(std::string_view line) {
  const std::size_t text = line.find_first_not_of(" \t");
  return line.substr(0, text).find('\t') != std::string_view::npos;
}

/// yaml-cpp's complaint, or a plainer one where a tab is to blame.
void explain(Builder& builder, const YAML::Exception& bug, std::string_view text) {
  const auto lines = base::split_lines(text);
  const Position at = position_of(bug.mark);
  for (std::size_t line = at.line; line > 0 && line + 1 >= at.line; --line) {
    if (line <= lines.size() && indented_by_tab(lines[line - 1])) {
      builder.fail({line, lines[line - 1].find('\t') + 1}, "the line is indented with a tab",
                   "YAML allows only spaces");
      return;
    }
  }
  builder.fail(at, fmt::format("not YAML: {}", base::to_utf8(bug.msg)));
}

bool is_integer(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <class T>
bool parse_whole(std::string_view text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_float(std::string_view text, double& value) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return false;
  if (digits.find_first_of("0123456789") == std::string_view::npos || digits.find_first_of("eE") == 0) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Node plain_scalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return {.value = true};
  if (text == "false" || text == "False" || text == "FALSE") return {.value = false};
  std::int64_t whole = 0;
  if (text.starts_with("0o") && parse_whole(text.substr(2), whole, 8) && whole >= 0) return {.value = whole};
  if (text.starts_with("0x") && parse_whole(text.substr(2), whole, 16) && whole >= 0) return {.value = whole};
  std::string_view number = text;
  if (number.starts_with('+')) number.remove_prefix(1);
  const bool negative = number.starts_with('-');
  if (negative && text.starts_with('+')) return {.value = std::string(text)};
  if (is_integer(number.substr(negative ? 1 : 0)) && parse_whole(number, whole)) return {.value = whole};
  double fraction = 0;
  if (parse_float(number, fraction)) return {.value = fraction};
  return {.value = std::string(text)};
}

base::Result<Document> read_yaml(std::string_view text, std::string file, Limits limits) {
  Builder builder(std::move(file), limits);
  if (text.size() > limits.max_bytes) {
    builder.too_large(text.size());
    return std::move(builder).finish();
  }
  if (!base::is_utf8(text) || text.find('\0') != std::string_view::npos) {
    builder.fail({}, "not UTF-8 text");
    return std::move(builder).finish();
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    YamlEvents events(builder);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const Stop&) {  // the builder has the error
  } catch (const YAML::Exception& bug) {
    explain(builder, bug, text);
  }
  return std::move(builder).finish();
}

base::Result<Document> read_document(std::string_view text, std::string file, Limits limits) {
  if (file.ends_with(".json")) return read_json(text, std::move(file), limits);
  return read_yaml(text, std::move(file), limits);
}

}  // namespace lathe::formats
