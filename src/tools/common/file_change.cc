#include "lathe/tools/common/file_change.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/base/unified_diff.h"
#include "lathe/base/utf8.h"
#include "lathe/crypto/sha256.h"
#include "lathe/tools/common/text_format.h"

namespace lathe::tools::common {

using protocol::ChangeKind;

namespace {

constexpr std::size_t kMaxDiffBytes = 64U << 10;

ChangeKind kind_of(const FileEdit& edit) {
  if (!edit.moved_to.empty()) return ChangeKind::kMove;
  if (!edit.before) return ChangeKind::kAdd;
  return edit.after ? ChangeKind::kUpdate : ChangeKind::kDelete;
}

/// "index 1a2b…..3c4d…": the contents by hash, as in a diff of git. An approval of the change is bound to it, so that
/// it holds for these very contents, what the diff does not show included.
std::string index_line(const FileEdit& edit) {
  const auto hash = [](const std::optional<std::string>& content) {
    return content ? crypto::sha256(*content).substr(0, 32) : std::string(32, '0');
  };
  return fmt::format("index {}..{}\n", hash(edit.before), hash(edit.after));
}

}  // namespace

std::string diff_text(const FileEdit& edit) {
  const std::string& after_path = edit.moved_to.empty() ? edit.path : edit.moved_to;
  const std::string before = edit.before.value_or("");
  const std::string after = edit.after.value_or("");
  if (looks_binary(before) || looks_binary(after)) {
    return fmt::format("Binary file {}: {} before, {} after\n", after_path, base::format_bytes(before.size()),
                       base::format_bytes(after.size()));
  }
  return base::to_utf8(
      base::unified_diff(before, after, edit.before ? "a/" + edit.path : "", edit.after ? "b/" + after_path : ""));
}

protocol::FileChange file_change(const FileEdit& edit) {
  std::string diff = index_line(edit) + diff_text(edit);
  if (diff.size() > kMaxDiffBytes) {
    const std::size_t whole = diff.size();
    diff = base::utf8_prefix(diff, kMaxDiffBytes);
    diff += fmt::format("\n[cut: {} of {}]\n", base::format_bytes(kMaxDiffBytes), base::format_bytes(whole));
  }
  return {.path = edit.path, .kind = kind_of(edit), .move_path = edit.moved_to, .diff = std::move(diff)};
}

protocol::FileChange failing_change(const std::string& path, const std::string& moved_to, const base::Error& why) {
  return {.path = path,
          .kind = moved_to.empty() ? ChangeKind::kUpdate : ChangeKind::kMove,
          .move_path = moved_to,
          .diff = base::to_utf8("it will fail: " + why.text() + "\n")};
}

}  // namespace lathe::tools::common
