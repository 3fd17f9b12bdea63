#include "lathe/protocol/http_payloads.h"

#include "lathe/protocol/codec.h"

namespace lathe::protocol {

template <class T>
std::string payload_text(const T& payload) {
  std::string text;
  codec::write(text, payload);
  return text;
}

template std::string payload_text(const HttpError& payload);
template std::string payload_text(const HttpAck& payload);
template std::string payload_text(const Health& payload);
template std::string payload_text(const AgentruntimeError& payload);
template std::string payload_text(const AgentruntimeCreated& payload);
template std::string payload_text(const std::vector<AgentruntimeSummary>& payload);
template std::string payload_text(const AgentruntimeSnapshot& payload);
template std::string payload_text(const AgentruntimeInfo& payload);
template std::string payload_text(const AgentruntimeEnded& payload);

}  // namespace lathe::protocol
