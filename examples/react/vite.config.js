// The SDK is beside this folder, not below it.
export default { server: { host: "localhost", fs: { allow: ["../.."] } }, clearScreen: false };
