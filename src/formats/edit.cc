#include "lathe/formats/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/formats/decode.h"
#include "lathe/formats/read.h"

namespace lathe::formats {
namespace {

/// The file as lines without their line ends, and how it ends them.
struct Lines {
  std::vector<std::string> lines;
  std::string newline = "\n";

  explicit Lines(std::string_view text) {
    if (text.contains("\r\n")) newline = "\r\n";
    for (std::string_view line : base::split_lines(text)) {
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines.emplace_back(line);
    }
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const std::string& line : lines) out += line + newline;
    return out;
  }
};

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

Member* find_member(Node& node, std::string_view key) {
  auto* members = std::get_if<Node::Map>(&node.value);
  if (members == nullptr) return nullptr;
  auto found = std::ranges::find(*members, key, &Member::key);
  if (found == members->end()) {
    found = std::ranges::find_if(*members, [&](const Member& member) { return same_key(member.key, key); });
  }
  return found == members->end() ? nullptr : &*found;
}

/// How far a path exists, and where its part of the file ends.
struct Place {
  /// The members along the path, as far as they are there.
  std::vector<const Member*> found;
  /// First line (from 1) after the innermost one found; nothing when it reaches to the end of the file.
  std::optional<std::size_t> next_line;
};

Place locate(Node& root, const KeyPath& path) {
  Place place;
  Node* node = &root;
  for (const std::string& key : path) {
    Member* member = find_member(*node, key);
    if (member == nullptr) break;
    const auto& members = std::get<Node::Map>(node->value);
    if (member != &members.back()) place.next_line = (member + 1)->key_at.line;
    place.found.push_back(member);
    node = &member->value;
  }
  return place;
}

/// How many lines of the file belong to what was found: up to the next key, but for blank lines and comments that are
/// indented less than `indent`.
std::size_t end_of(const Lines& file, const Place& place, std::size_t indent) {
  std::size_t end = place.next_line ? *place.next_line - 1 : file.lines.size();
  while (end > 0) {
    const std::string& line = file.lines[end - 1];
    const std::size_t text = indent_of(line);
    const bool comment_of_next = text < line.size() && line[text] == '#' && text < indent;
    if (text < line.size() && !comment_of_next) break;
    --end;
  }
  return end;
}

/// Length of the value at the start of `rest`.
std::size_t value_length(std::string_view rest) {
  if (rest.starts_with('"')) {
    std::size_t i = 1;
    while (i < rest.size() && rest[i] != '"') i += rest[i] == '\\' ? 2 : 1;
    return std::min(i + 1, rest.size());
  }
  if (rest.starts_with('\'')) {
    std::size_t i = 1;
    while (i < rest.size() && (rest[i] != '\'' || rest.substr(i + 1).starts_with('\''))) i += rest[i] == '\'' ? 2 : 1;
    return std::min(i + 1, rest.size());
  }
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    return close == std::string_view::npos ? rest.size() : close + 1;
  }
  return base::trim_right(rest.substr(0, rest.find(" #"))).size();
}

void replace_value(Lines& file, const Member& member, const Node& value) {
  if (member.value.is_null()) {
    std::string& line = file.lines[member.key_at.line - 1];
    const std::size_t colon = line.find(':', member.key_at.column - 1 + member.key.size());
    if (colon == std::string::npos) return;
    const std::size_t comment = line.find(" #", colon);
    line =
        line.substr(0, colon + 1) + " " + yaml_text(value) + (comment == std::string::npos ? "" : line.substr(comment));
    return;
  }
  std::string& line = file.lines[member.value.at.line - 1];
  const std::size_t start = member.value.at.column - 1;
  line.replace(start, value_length(std::string_view(line).substr(start)), yaml_text(value));
}

void append_member(std::vector<std::string>& out, std::size_t indent, const std::string& key, const Node& value) {
  const std::string head = std::string(indent, ' ') + yaml_text({.value = key}) + ":";
  if (value.map() == nullptr) {
    out.push_back(head + " " + yaml_text(value));
    return;
  }
  out.push_back(head);
  for (const Member& member : *value.map()) append_member(out, indent + 2, member.key, member.value);
}

void add_member(Lines& file, const Node& root, const Place& place, const std::string& key, const Node& value) {
  const Node& parent = place.found.empty() ? root : place.found.back()->value;
  std::size_t indent = place.found.empty() ? 0 : place.found.back()->key_at.column + 1;
  if (parent.map() != nullptr && !parent.map()->empty()) indent = parent.map()->front().key_at.column - 1;
  std::vector<std::string> added;
  append_member(added, indent, key, value);
  const auto at = file.lines.begin() + static_cast<std::ptrdiff_t>(end_of(file, place, indent));
  file.lines.insert(at, added.begin(), added.end());
}

/// Reads the edited text again; it must say exactly what `expected` says. `what` is the key with its line.
base::Result<std::string> checked(const Lines& file, const std::string& name, const Node& expected,
                                  const std::string& what, const std::string& by_hand) {
  std::string text = file.text();
  const auto document = read_yaml(text, name);
  if (document.ok() && document->root == expected) return text;
  return base::Error{.code = base::codes::kUnsupported,
                     .message = fmt::format("{}: {} cannot be changed line by line as the file is written", name, what),
                     .hint = fmt::format("{} by hand: {}", by_hand, base::edit_command(name))};
}

}  // namespace

base::Result<std::string> set_in_yaml(std::string_view text, const std::string& file, const KeyPath& path,
                                      const Node& value) {
  TRY(Document document, read_yaml(text, file));
  Lines lines(text);
  const Place place = locate(document.root, path);
  // What is to be added: the last key's value, in the maps above it that are missing.
  const std::size_t missing_from = place.found.size();
  Node added = value;
  for (std::size_t i = path.size(); i > missing_from + 1; --i) {
    Node outer{.value = Node::Map{Member{.key = path[i - 1], .key_at = {}, .value = std::move(added)}}};
    added = std::move(outer);
  }
  if (missing_from == path.size()) {
    replace_value(lines, *place.found.back(), value);
  } else {
    add_member(lines, document.root, place, path[missing_from], added);
  }

  Node expected = document.root;
  Node* node = &expected;
  for (std::size_t i = 0; i < missing_from; ++i) node = &find_member(*node, path[i])->value;
  if (missing_from == path.size()) {
    node->value = value.value;
  } else {
    if (node->is_null()) node->value = Node::Map{};
    auto* members = std::get_if<Node::Map>(&node->value);
    if (members != nullptr) members->push_back({.key = path[missing_from], .key_at = {}, .value = std::move(added)});
  }
  const std::string name = base::join(path, ".");
  const std::string what =
      missing_from < path.size() ? name : fmt::format("{} (line {})", name, place.found.back()->key_at.line);
  return checked(lines, file, expected, what, fmt::format("set {} to {}", name, yaml_text(value)));
}

base::Result<std::string> remove_from_yaml(std::string_view text, const std::string& file, const KeyPath& path) {
  TRY(Document document, read_yaml(text, file));
  Lines lines(text);
  const Place place = locate(document.root, path);
  const std::string name = base::join(path, ".");
  if (place.found.size() < path.size()) {
    return base::Error{.code = base::codes::kNotFound, .message = fmt::format("{} has no {}", file, name)};
  }
  const Position key_at = place.found.back()->key_at;
  const std::size_t end = std::max(end_of(lines, place, key_at.column), key_at.line);
  lines.lines.erase(lines.lines.begin() + static_cast<std::ptrdiff_t>(key_at.line - 1),
                    lines.lines.begin() + static_cast<std::ptrdiff_t>(end));

  Node expected = document.root;
  Node* parent = &expected;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) parent = &find_member(*parent, path[i])->value;
  auto& members = std::get<Node::Map>(parent->value);
  std::erase_if(members, [&](const Member& member) { return member.key_at == key_at; });
  if (members.empty()) parent->value = std::monostate{};
  return checked(lines, file, expected, fmt::format("{} (line {})", name, key_at.line), "remove it");
}

std::string yaml_text(const Node& value) {
  struct Writer {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return base::dump_json(base::Json(number)); }
    std::string operator()(const std::string& text) const {
      constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-:@+";
      const bool plain = text.find_first_not_of(kPlain) == std::string::npos && !text.ends_with(':') &&
                         !std::string_view("-:@").contains(text.substr(0, 1)) && plain_scalar(text).text() != nullptr;
      if (plain) return text;
      std::string quoted;
      base::append_json_string(quoted, text);
      return quoted;
    }
    std::string operator()(const Node::List& list) const {
      std::vector<std::string> parts;
      for (const Node& element : list) parts.push_back(yaml_text(element));
      return "[" + base::join(parts, ", ") + "]";
    }
    std::string operator()(const Node::Map& map) const {
      std::vector<std::string> parts;
      for (const Member& member : map) parts.push_back((*this)(member.key) + ": " + yaml_text(member.value));
      return "{" + base::join(parts, ", ") + "}";
    }
  };
  return std::visit(Writer{}, value.value);
}

}  // namespace lathe::formats
