#pragma once

#include <memory>
#include <string_view>

#include "lathe/base/hash.h"

struct evp_md_ctx_st;

namespace lathe::crypto {

/// SHA-256 of bytes that come in pieces. One thread at a time.
class Sha256 final {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// The digest of all bytes so far; starts anew.
  [[nodiscard]] base::Sha256Hex finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] base::Sha256Hex sha256(std::string_view bytes);
/// 64 lower-case hex digits.
[[nodiscard]] bool is_sha256(std::string_view text);

}  // namespace lathe::crypto
