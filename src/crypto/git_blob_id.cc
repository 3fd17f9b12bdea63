#include "lathe/crypto/git_blob_id.h"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "lathe/base/check.h"

namespace lathe::crypto {

std::string git_blob_id(std::string_view bytes) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  CHECK(context != nullptr);
  // With its end, as the name is defined.
  const std::string head = "blob " + std::to_string(bytes.size()) + '\0';
  CHECK(EVP_DigestInit_ex(context.get(), EVP_sha1(), nullptr) == 1);
  CHECK(EVP_DigestUpdate(context.get(), head.data(), head.size()) == 1);
  CHECK(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace lathe::crypto
