#pragma once

#include <curl/curl.h>

#include "lathe/base/result.h"

namespace lathe::net {

/// The functions of libcurl that net/ uses, found by dlopen: linking libcurl would cost every command 4 to 5 ms at its
/// start (measured), most of it in libraries of protocols that are never spoken.
struct CurlApi {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_pause) easy_pause;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_multi_init) multi_init;
  decltype(&curl_multi_setopt) multi_setopt;
  decltype(&curl_multi_add_handle) multi_add_handle;
  decltype(&curl_multi_remove_handle) multi_remove_handle;
  decltype(&curl_multi_socket_action) multi_socket_action;
  decltype(&curl_multi_info_read) multi_info_read;
  decltype(&curl_multi_cleanup) multi_cleanup;
};

/// Loads and initialises libcurl the first time; the library stays loaded. Any thread, blocks for some milliseconds.
/// `unsupported` when it is not installed.
[[nodiscard]] base::Result<const CurlApi*> load_curl();

}  // namespace lathe::net
