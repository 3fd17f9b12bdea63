#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "lathe/gateways/http/admission.h"
#include "lathe/net/http_connection.h"
#include "peer.h"

namespace {

using lathe::base::UniqueFd;
using lathe::net::HttpConnection;
using lathe::net::IncomingRequest;
using lathe::runtime::Async;
using lathe::runtime::Loop;

void add_fields(std::string& text, const lathe::net::HttpFields& fields) {
  for (const auto& [name, value] : fields) text.append(name).append("=").append(value).append("\n");
}

/// All of it; what holds for every request is looked at on the way.
std::string text_of(const IncomingRequest& request) {
  FUZZ_REQUIRE(!request.method.empty());
  FUZZ_REQUIRE(request.path.find('?') == std::string::npos);
  for (const auto& [name, value] : request.headers) {
    FUZZ_REQUIRE(std::ranges::none_of(name, [](char each) { return each >= 'A' && each <= 'Z'; }));
    FUZZ_REQUIRE(value.find_first_of("\r\n") == std::string::npos);
  }
  (void)lathe::gateways::http::check_origin(request);
  (void)lathe::gateways::http::bearer_token(request);
  std::string text = request.method + " " + request.path + (request.wants_web_socket ? " upgrade\n" : "\n");
  add_fields(text, request.query);
  add_fields(text, request.headers);
  return text + "\n" + request.body;
}

Async<void> serve(Loop* loop, UniqueFd socket, std::vector<std::string>* told) {
  auto connection = HttpConnection::create(*loop, std::move(socket));
  FUZZ_REQUIRE(connection.ok());
  while (true) {
    const auto request = co_await (*connection)->read({});
    if (!request.ok() || !*request) co_return;
    told->push_back(text_of(**request));
  }
}

}  // namespace

// What a client of the HTTP entrance sends: any way of cutting the same bytes gives the same requests.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  lathe::fuzz::tells_the_same_however_it_is_cut(input, "", serve);
  return 0;
}
