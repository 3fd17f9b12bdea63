#pragma once

#include <string>
#include <string_view>

namespace lathe::crypto {

/// The name that git gives to a file of these bytes: SHA-1 of "blob <size>\0" and the bytes, as 40 hex digits. It says
/// which object of a repository holds them; it proves nothing against someone who wants a collision.
[[nodiscard]] std::string git_blob_id(std::string_view bytes);

}  // namespace lathe::crypto
