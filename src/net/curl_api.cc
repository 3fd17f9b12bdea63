#include "lathe/net/curl_api.h"

#include <dlfcn.h>

#include <string>

namespace lathe::net {

namespace {

constexpr const char* kLibrary = "libcurl.so.4";

base::Error not_loadable(const std::string& why) {
  return {.code = base::codes::kUnsupported,
          .message = std::string(kLibrary) + " cannot be loaded: " + why,
          .hint = "install libcurl (Debian: apt-get install libcurl4)"};
}

template <class F>
void find(void* library, const char* name, F& function, const char*& missing) {
  function = reinterpret_cast<F>(::dlsym(library, name));
  if (function == nullptr) missing = name;
}

base::Result<CurlApi> open_library() {
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return not_loadable(::dlerror());
  CurlApi api{};
  const char* missing = nullptr;
  find(library, "curl_global_init", api.global_init, missing);
  find(library, "curl_easy_init", api.easy_init, missing);
  find(library, "curl_easy_setopt", api.easy_setopt, missing);
  find(library, "curl_easy_getinfo", api.easy_getinfo, missing);
  find(library, "curl_easy_pause", api.easy_pause, missing);
  find(library, "curl_easy_strerror", api.easy_strerror, missing);
  find(library, "curl_easy_cleanup", api.easy_cleanup, missing);
  find(library, "curl_slist_append", api.slist_append, missing);
  find(library, "curl_slist_free_all", api.slist_free_all, missing);
  find(library, "curl_multi_init", api.multi_init, missing);
  find(library, "curl_multi_setopt", api.multi_setopt, missing);
  find(library, "curl_multi_add_handle", api.multi_add_handle, missing);
  find(library, "curl_multi_remove_handle", api.multi_remove_handle, missing);
  find(library, "curl_multi_socket_action", api.multi_socket_action, missing);
  find(library, "curl_multi_info_read", api.multi_info_read, missing);
  find(library, "curl_multi_cleanup", api.multi_cleanup, missing);
  if (missing != nullptr) return not_loadable(std::string(missing) + " is missing");
  if (api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return not_loadable("curl_global_init failed");
  return api;
}

}  // namespace

base::Result<const CurlApi*> load_curl() {
  static const base::Result<CurlApi> api = open_library();
  if (!api.ok()) return api.error();
  return &api.value();
}

}  // namespace lathe::net
