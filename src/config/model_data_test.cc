#include "lathe/config/model_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/config/backend_types.h"
#include "lathe/config/test_home.h"

namespace lathe::config {
namespace {

Backend backend_of(const std::string& type, const std::string& url = "") {
  auto backend = complete({.name = "x", .type = type, .url = url});
  EXPECT_TRUE(backend.ok());
  return *backend;
}

TEST(ModelData, VendorPricesHoldAtTheVendorOnly) {
  const TestHome home;
  const auto data = ModelData::load(home.paths());
  ASSERT_TRUE(data.ok());
  const KnownModel gpt = data->find(backend_of("openai"), "gpt-5");
  EXPECT_EQ(gpt.context_window, 400'000);
  EXPECT_EQ(gpt.max_output_tokens, 128'000);
  EXPECT_EQ(gpt.prices,
            (KnownPrices{.input = 1'250'000, .cached_input = 125'000, .cache_write = 1'250'000, .output = 10'000'000}));
  EXPECT_EQ(data->find(backend_of("openai"), "gpt-5-2025-08-07"), gpt);
  EXPECT_EQ(data->find(backend_of("openai", "https://api.openai.com/v1/"), "gpt-5"), gpt);

  // Elsewhere the same name may cost anything; its window is still known.
  for (const Backend& other : {backend_of("openai", "https://proxy.example/v1"), backend_of("litellm")}) {
    const KnownModel known = data->find(other, "openai/gpt-5");
    EXPECT_EQ(known.context_window, 400'000);
    EXPECT_EQ(known.prices, std::nullopt);
  }
}

TEST(ModelData, NearNamesAreNotTheSameModel) {
  const TestHome home;
  const auto data = ModelData::load(home.paths());
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->find(backend_of("openai"), "gpt-5-pro"), KnownModel{});
  EXPECT_EQ(data->find(backend_of("openai"), "gpt-5-turbo-20250101"), KnownModel{});
  EXPECT_EQ(data->find(backend_of("anthropic"), "claude-sonnet-4-20250514").prices->output, 15'000'000);
}

TEST(ModelData, LocalServersAreFreeOnThisMachineOnly) {
  const TestHome home;
  const auto data = ModelData::load(home.paths());
  ASSERT_TRUE(data.ok());
  for (const char* type : {"ollama", "vllm", "llamacpp"}) {
    EXPECT_EQ(data->find(backend_of(type), "any").prices, KnownPrices{}) << type;
    EXPECT_EQ(data->find(backend_of(type, "http://gpu.example:1/v1"), "any").prices, std::nullopt) << type;
  }
  EXPECT_EQ(data->find(backend_of("ollama"), "gpt-oss:120b-cloud").prices, std::nullopt);
  EXPECT_EQ(data->find(backend_of("compatible", "http://127.0.0.1:1"), "any").prices, std::nullopt);
}

TEST(ModelData, ThePersonsFileWinsFieldByField) {
  const TestHome home;
  home.write_models(R"(
default-models: {openai: gpt-5}
models:
  gpt-5: {window: 1000}
  "my-*": {input: 1, output: 2, images: false}
  "my-big*": {input: 3, output: 4}
  lab: {types: [vllm], input: 5, output: 6}
  x/my-own: {input: 7, output: 8}
  "x/big-*": {window: 9}
  "*": {images: false}
)");
  const auto data = ModelData::load(home.paths());
  ASSERT_TRUE(data.ok()) << data.error().text();
  const KnownModel gpt = data->find(backend_of("openai"), "gpt-5");
  EXPECT_EQ(gpt.context_window, 1000);
  EXPECT_EQ(gpt.prices->output, 10'000'000);
  const Backend proxy = backend_of("compatible", "https://proxy.example/v1");
  EXPECT_EQ(data->find(proxy, "my-small"),
            (KnownModel{.prices = KnownPrices{1'000'000, 1'000'000, 1'000'000, 2'000'000}, .images = false}));
  EXPECT_EQ(data->find(proxy, "my-bigger").prices->input, 3'000'000);
  EXPECT_EQ(data->find(proxy, "lab").prices, std::nullopt);
  const KnownModel own = data->find(proxy, "my-own");
  EXPECT_EQ(own.prices->input, 7'000'000) << "the one with its backend wins";
  EXPECT_FALSE(own.images) << "fields win one by one";
  EXPECT_EQ(data->find(proxy, "big-one").context_window, 9);
  Backend other = proxy;
  other.name = "y";
  EXPECT_EQ(data->find(other, "my-own").prices->input, 1'000'000);
  EXPECT_EQ(data->find(other, "big-one").context_window, 0);
  EXPECT_EQ(data->default_model(backend_of("openai")), "gpt-5");
  EXPECT_EQ(data->default_model(backend_of("ollama")), "");
  Backend named = backend_of("openai");
  named.default_model = "own";
  EXPECT_EQ(data->default_model(named), "own");
}

TEST(ModelData, EveryDefaultModelOfAVendorIsKnown) {
  const TestHome home;
  const auto data = ModelData::load(home.paths());
  ASSERT_TRUE(data.ok());
  for (const char* type : {"openai", "openai-chat", "anthropic"}) {
    const KnownModel known = data->find(backend_of(type), data->default_model(backend_of(type)));
    EXPECT_TRUE(known.prices && known.context_window > 0 && known.max_output_tokens > 0) << type;
  }
}

TEST(ModelData, BrokenFilesAreErrorsWithTheirPlace) {
  const TestHome home;
  home.write_models("models:\n  a: {input: 1}\n  b: {windw: 5}\n  c: {types: [opnai]}\n  d: {window: 0}\n");
  const auto data = ModelData::load(home.paths());
  ASSERT_FALSE(data.ok());
  for (const char* part : {":2:3: a price needs both", ":3:7: \"windw\" is not a known key (did you mean \"window\"?)",
                           ":4:3: \"opnai\" is not known", ":5:15: window must be at least 1"}) {
    EXPECT_THAT(data.error().message, testing::HasSubstr(part));
  }
}

}  // namespace
}  // namespace lathe::config
