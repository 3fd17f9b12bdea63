#pragma once

#include <string>
#include <string_view>

namespace lathe::net {

/// Where the certificates of authorities come from; both empty: libcurl's own default.
struct TrustStore {
  /// One file with all of them.
  std::string bundle = {};
  /// A folder with one file each, named by hash.
  std::string folder = {};
  friend bool operator==(const TrustStore&, const TrustStore&) = default;
};

/// `bundle` (what the person named) when it is not empty; else `folder` when its files are named by hash, as OpenSSL
/// looks them up: it then reads the one certificate it needs, while a bundle of all costs 27 ms of CPU on the first
/// connection (measured with 144 certificates and OpenSSL 3.0).
[[nodiscard]] TrustStore choose_trust_store(const std::string& bundle, const std::string& folder);

/// The choice for this process: SSL_CERT_FILE or CURL_CA_BUNDLE, SSL_CERT_DIR or the system's folder.
[[nodiscard]] TrustStore system_trust_store();

}  // namespace lathe::net
