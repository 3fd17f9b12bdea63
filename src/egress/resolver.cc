#include "lathe/egress/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace lathe::egress {

using base::Error;
using base::Result;

namespace {

constexpr int kSecondsPerTry = 3;
constexpr int kTries = 2;
// As in protocol/error_codes.h.
constexpr const char* kUnreachable = "unreachable";

Address address_of(const sockaddr& socket_address) {
  Address address;
  if (socket_address.sa_family == AF_INET) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in&>(socket_address).sin_addr, 4);
  } else {
    address.family = Address::Family::kV6;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(socket_address).sin6_addr, 16);
  }
  return address;
}

Result<std::vector<Address>> look_up(const std::string& name) {
  // The resolver's state belongs to the thread: a dead name server must not hold up the end of the program.
  if (res_init() == 0) {
    _res.retrans = kSecondsPerTry;
    _res.retry = kTries;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  // The final dot keeps the search list of resolv.conf away: it would ask for other names than the one decided on.
  const bool bare = name.find('.') == std::string::npos;
  const int failed = getaddrinfo((bare ? name : name + ".").c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = found; failed == 0 && entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    const Address address = address_of(*entry->ai_addr);
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  if (!addresses.empty()) return addresses;
  return Error{.code = kUnreachable,
               .message = fmt::format("cannot find the host {}: {}", name,
                                      failed == 0 ? "it has no address" : gai_strerror(failed)),
               .hint = "check the name and the network connection",
               .retryable = true};
}

}  // namespace

runtime::Async<Result<std::vector<Address>>> SystemResolver::resolve(Host host, runtime::CancelToken cancel) {
  if (host.address) co_return std::vector<Address>{*host.address};
  const auto found = std::make_shared<Found>(loop_);  // shared with the lookup, which may outlast its caller
  lookups_.spawn(look_up_into(std::move(host.name), found));
  CO_TRY(auto addresses, co_await found->wait(cancel, runtime::Deadline::never()));
  co_return addresses;
}

runtime::Async<void> SystemResolver::look_up_into(std::string name, std::shared_ptr<Found> found) {
  found->set(co_await pool_.run([name = std::move(name)] { return look_up(name); }));
}

}  // namespace lathe::egress
