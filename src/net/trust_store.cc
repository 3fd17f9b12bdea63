#include "lathe/net/trust_store.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "lathe/runtime/files.h"

namespace lathe::net {

namespace {

constexpr const char* kSystemFolder = "/etc/ssl/certs";

/// "5ed36f99.0": eight lower-case hex digits and a number.
bool is_hash_name(std::string_view name) {
  constexpr std::size_t kDigits = 8;
  return name.size() > kDigits + 1 && name[kDigits] == '.' &&
         name.substr(0, kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         name.substr(kDigits + 1).find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_hashed(const std::string& folder) {
  std::error_code error;
  auto entry = std::filesystem::directory_iterator(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (is_hash_name(entry->path().filename().native())) return true;
  }
  return false;
}

std::string first_set(const char* name, const char* other_name, const char* fallback) {
  for (const char* variable : {name, other_name}) {
    if (variable == nullptr) continue;
    if (std::string value = runtime::env(variable); !value.empty()) return value;
  }
  return fallback;
}

}  // namespace

TrustStore choose_trust_store(const std::string& bundle, const std::string& folder) {
  if (!bundle.empty()) return {.bundle = bundle};
  if (is_hashed(folder)) return {.folder = folder};
  return {};
}

TrustStore system_trust_store() {
  return choose_trust_store(first_set("SSL_CERT_FILE", "CURL_CA_BUNDLE", ""),
                            first_set("SSL_CERT_DIR", nullptr, kSystemFolder));
}

}  // namespace lathe::net
