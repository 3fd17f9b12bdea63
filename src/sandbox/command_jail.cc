#include "lathe/sandbox/command_jail.h"

#include <charconv>

// The encoding, in order: level, limits (four, "-" for none), hidden file and folder, ruleset (three numbers), filter
// in hexadecimal, the number of masks and each as kind, inode, path, the number of rules and each as access, path, the
// number of exceptions and the exceptions. Numbers are decimal.

namespace lathe::sandbox {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
/// Of masks, rules and exceptions; far more than a plan has, so that a broken count allocates nothing.
constexpr std::size_t kMaxCount = 65536;

class Writer final {
 public:
  void text(std::string_view word) {
    bytes_ += word;
    bytes_ += '\0';
  }
  void number(std::uint64_t value) { text(std::to_string(value)); }
  void limit(const std::optional<std::uint64_t>& value) {
    if (value) {
      number(*value);
    } else {
      text("-");
    }
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads in order; once something is wrong everything is, and ok() says so.
class Reader final {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view text() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return word;
  }
  std::uint64_t number() {
    const std::string_view word = text();
    std::uint64_t value = 0;
    const char* const end = word.data() + word.size();
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the end is given
    const auto [stopped, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc() || stopped != end) ok_ = false;
    return value;
  }
  std::size_t count() {
    const std::uint64_t value = number();
    if (value <= kMaxCount) return ok_ ? static_cast<std::size_t>(value) : 0;
    ok_ = false;
    return 0;
  }
  std::optional<std::uint64_t> limit() {
    if (!rest_.starts_with(std::string_view("-\0", 2))) return number();
    (void)text();
    return std::nullopt;
  }
  void fail() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kHexDigits[value >> 4U];
    out += kHexDigits[value & 15U];
  }
  return out;
}

std::string from_hex(std::string_view text, Reader& reader) {
  std::string out;
  if (text.size() % 2 != 0) reader.fail();
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    const std::size_t high = kHexDigits.find(text[at]);
    const std::size_t low = kHexDigits.find(text[at + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      reader.fail();
      return {};
    }
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

Mask read_mask(Reader& reader) {
  Mask mask;
  const std::uint64_t kind = reader.number();
  if (kind > static_cast<std::uint64_t>(Mask::Kind::kPinned)) reader.fail();
  mask.kind = static_cast<Mask::Kind>(kind);
  mask.inode = reader.number();
  mask.path = reader.text();
  return mask;
}

PathRule read_rule(Reader& reader) {
  PathRule rule;
  rule.access = reader.number();
  rule.path = reader.text();
  const std::size_t exceptions = reader.count();
  for (std::size_t i = 0; i < exceptions && reader.ok(); ++i) rule.except.emplace_back(reader.text());
  return rule;
}

}  // namespace

std::string CommandJail::encode() const {
  Writer out;
  out.text(name_of(level));
  out.limit(limits.processes);
  out.limit(limits.memory_bytes);
  out.limit(limits.file_bytes);
  out.limit(limits.open_files);
  out.text(hidden_file);
  out.text(hidden_folder);
  out.number(ruleset.handled_fs);
  out.number(ruleset.handled_net);
  out.number(ruleset.scoped);
  out.text(to_hex(filter));
  out.number(masks.size());
  for (const Mask& mask : masks) {
    out.number(static_cast<std::uint64_t>(mask.kind));
    out.number(mask.inode);
    out.text(mask.path);
  }
  out.number(rules.size());
  for (const PathRule& rule : rules) {
    out.number(rule.access);
    out.text(rule.path);
    out.number(rule.except.size());
    for (const std::string& path : rule.except) out.text(path);
  }
  return out.take();
}

std::optional<CommandJail> CommandJail::decode(std::string_view bytes) {
  Reader in(bytes);
  CommandJail jail;
  const auto level = level_named(in.text());
  if (!level) return std::nullopt;
  jail.level = *level;
  jail.limits.processes = in.limit();
  jail.limits.memory_bytes = in.limit();
  jail.limits.file_bytes = in.limit();
  jail.limits.open_files = in.limit();
  jail.hidden_file = in.text();
  jail.hidden_folder = in.text();
  jail.ruleset.handled_fs = in.number();
  jail.ruleset.handled_net = in.number();
  jail.ruleset.scoped = in.number();
  jail.filter = from_hex(in.text(), in);
  const std::size_t masks = in.count();
  for (std::size_t i = 0; i < masks && in.ok(); ++i) jail.masks.push_back(read_mask(in));
  const std::size_t rules = in.count();
  for (std::size_t i = 0; i < rules && in.ok(); ++i) jail.rules.push_back(read_rule(in));
  if (!in.ok() || !in.at_end()) return std::nullopt;
  return jail;
}

}  // namespace lathe::sandbox
