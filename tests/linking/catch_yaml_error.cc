// An error of the shared yaml-cpp reaches the one who catches it, as one in a person's file must.
#include <yaml-cpp/yaml.h>

int main() {
  try {
    YAML::Load("a: b: c");
  } catch (const YAML::Exception&) {
    return 0;
  }
  return 1;
}
