#include <string>
#include <string_view>

#include "fuzz.h"
#include "lathe/sandbox/command_jail.h"
#include "lathe/sandbox/host_facts.h"

// What the keeper decodes from its client, and what is kept of the machine between starts.

namespace {

using lathe::sandbox::CommandJail;
using lathe::sandbox::HostFacts;

void check_jail(std::string_view bytes) {
  const auto jail = CommandJail::decode(bytes);
  if (!jail) return;
  const auto again = CommandJail::decode(jail->encode());
  FUZZ_REQUIRE(again.has_value());
  FUZZ_REQUIRE(*again == *jail);
  // The canary holds that no jail says anything of the network.
  if (lathe::fuzz::kCanary) FUZZ_REQUIRE(jail->ruleset.handled_net == 0);
}

void check_facts(std::string_view line) {
  const auto facts = HostFacts::decode(line);
  if (!facts) return;
  FUZZ_REQUIRE(HostFacts::decode(facts->encode()) == facts);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_jail(bytes);
  check_facts(bytes);
  return 0;
}
