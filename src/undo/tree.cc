#include "lathe/undo/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace lathe::undo {

using base::Error;
using base::Result;

namespace {

constexpr std::string_view kMagic = "lathe tree 2\n";
constexpr std::size_t kCrcBytes = 8;
constexpr std::int64_t kNoMode = -1;

void put(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);  // NOLINT(*-reinterpret-cast): bytes of a number
  out.append(text);
}
template <class Number>
  requires(std::is_arithmetic_v<Number>)
void put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);  // NOLINT(*-reinterpret-cast): bytes of a number
}

/// Reads what put() wrote; once it fails, it gives nothing but zeros.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}

  template <class Number>
  Number number() {
    Number value{};
    if (bytes_.size() < sizeof value) return fail(value);
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = number<std::uint32_t>();
    if (bytes_.size() < size) return fail(std::string());
    std::string value(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return value;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  template <class Value>
  Value fail(Value value) {
    failed_ = true;
    bytes_ = {};
    return value;
  }
  std::string_view bytes_;
  bool failed_ = false;
};

void put(std::string& out, const TreeEntry& entry) {
  put(out, entry.path);
  put(out, static_cast<std::uint8_t>(entry.covered));
  put(out, static_cast<std::uint8_t>(entry.state.kind));
  put(out, entry.state.mode.value_or(kNoMode));
  put(out, entry.state.size);
  put(out, entry.state.content);
  put(out, entry.state.git);
  put(out, entry.stamp.inode);
  put(out, entry.stamp.size);
  put(out, entry.stamp.modified_ns);
  put(out, entry.stamp.changed_ns);
  put(out, entry.stamp.mode);
}

TreeEntry take_entry(Taker& from) {
  TreeEntry entry;
  entry.path = from.text();
  entry.covered = from.number<std::uint8_t>() != 0;
  const auto kind = from.number<std::uint8_t>();
  entry.state.kind = kind <= static_cast<std::uint8_t>(FileKind::kOther) ? FileKind{kind} : FileKind::kOther;
  const auto mode = from.number<std::int64_t>();
  if (mode != kNoMode) entry.state.mode = mode;
  entry.state.size = from.number<std::int64_t>();
  entry.state.content = from.text();
  entry.state.git = from.text();
  entry.stamp.inode = from.number<std::uint64_t>();
  entry.stamp.size = from.number<std::int64_t>();
  entry.stamp.modified_ns = from.number<std::int64_t>();
  entry.stamp.changed_ns = from.number<std::int64_t>();
  entry.stamp.mode = from.number<std::uint32_t>();
  return entry;
}

Error damaged() { return {.code = base::codes::kCorrupt, .message = "the kept tree of the workspace is damaged"}; }

}  // namespace

bool path_less(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::ranges::mismatch(a, b);
  if (in_b == b.end()) return false;
  if (in_a == a.end()) return true;
  if (*in_a == '/' || *in_b == '/') return *in_a == '/';
  return static_cast<unsigned char>(*in_a) < static_cast<unsigned char>(*in_b);
}

std::int64_t Tree::covered_files() const {
  return std::ranges::count_if(
      entries, [](const TreeEntry& entry) { return entry.covered && entry.state.kind != FileKind::kFolder; });
}

std::vector<std::string> Tree::not_covered(std::size_t limit) const {
  std::vector<std::string> paths;
  std::size_t more = 0;
  for (const TreeEntry& entry : entries) {
    if (entry.covered) continue;
    if (paths.size() == limit) {
      ++more;
      continue;
    }
    paths.push_back(entry.path + (entry.state.kind == FileKind::kFolder ? "/" : ""));
  }
  if (more > 0) paths.push_back(fmt::format("… and {} more", more));
  if (!end.empty()) paths.push_back(fmt::format("everything from {} on: more than {} names", end, entries.size()));
  return paths;
}

std::string Tree::encode() const {
  std::string out(kMagic);
  put(out, root);
  put(out, rules);
  put(out, end);
  put(out, static_cast<std::uint64_t>(entries.size()));
  for (const TreeEntry& entry : entries) put(out, entry);
  out += base::hex8(base::crc32c(out));
  return out;
}

Result<Tree> Tree::decode(std::string_view bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kCrcBytes) return damaged();
  const std::string_view sealed = bytes.substr(0, bytes.size() - kCrcBytes);
  if (base::hex8(base::crc32c(sealed)) != bytes.substr(sealed.size())) return damaged();
  Taker from(sealed.substr(kMagic.size()));
  Tree tree;
  tree.root = from.text();
  tree.rules = from.text();
  tree.end = from.text();
  const auto count = from.number<std::uint64_t>();
  for (std::uint64_t i = 0; i < count && !from.failed(); ++i) tree.entries.push_back(take_entry(from));
  if (from.failed() || !from.at_end()) return damaged();
  return tree;
}

}  // namespace lathe::undo
