#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/clock.h"
#include "lathe/base/hash.h"
#include "lathe/base/ids.h"
#include "lathe/base/result.h"
#include "lathe/protocol/scopes.h"

namespace lathe::daemon {

/// A token that was given out: its digest, never itself.
struct TokenEntry {
  /// For lists and for taking it back: "tok_…".
  std::string id;
  protocol::Scopes scopes;
  base::Sha256Hex digest;
  base::UnixMillis created_at = 0;
  friend bool operator==(const TokenEntry&, const TokenEntry&) = default;
};

/// The tokens with which clients come in over TCP: tokens.json in the data root, mode 0600. It is read anew each time,
/// so what one process gives out or takes back holds in another at once. Blocks, for a small file; any thread, one at a
/// time per data root.
class TokenBook final {
 public:
  explicit TokenBook(const std::string& state_dir) : file_(state_dir + "/tokens.json") {}

  struct Made {
    TokenEntry entry;
    /// "lathe_…", 256 bits. Shown once; nothing keeps it.
    std::string token;
  };
  [[nodiscard]] base::Result<Made> create(protocol::Scopes scopes, base::UnixMillis now, base::Random& random) const;
  [[nodiscard]] base::Result<std::vector<TokenEntry>> list() const;
  /// `not_found` when there is none of that id.
  [[nodiscard]] base::Result<void> remove(std::string_view id) const;
  /// What its holder may ask. `permission_denied` for one that was not given out, in a time that says nothing about it.
  [[nodiscard]] base::Result<protocol::Scopes> judge(std::string_view token) const;

 private:
  [[nodiscard]] base::Result<void> write(const std::vector<TokenEntry>& entries) const;
  std::string file_;
};

}  // namespace lathe::daemon
