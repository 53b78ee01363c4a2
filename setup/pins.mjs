// @ts-check
// Everything native that the set-up fetches: which version, and the sha256 it must have. Constants only, and no import: the
// fingerprint of every stage that computes with TensorFlow is taken over `tensorflow` as it stands here (scripts/fingerprints.mjs).

/** The Temporal CLI with its dev server, 1.29.1. A build by `go install` is checked by Go itself, against sum.golang.org. */
export const temporal = {
  version: '1.5.1',
  // Of the release's archives on github.com/temporalio/cli, which temporal.download passes on. Linux and macOS: cashapp/hermit-packages
  // `temporal-cli.hcl`; Windows: microsoft/winget-pkgs `manifests/t/Temporal/TemporalCLI/1.5.1`.
  sha256: {
    'linux-x64': 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
    'linux-arm64': 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
    'darwin-x64': 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
    'darwin-arm64': 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
    'win32-x64': 'd3b7982a15f3e5716d55a304f18465f625c144f154e52ac45dcfe288eb642eb3',
    'win32-arm64': '28e7cf32d7fa41d7b2daf4803ebd76897ceb1c1ba5094939e3f0edd119da0f4d',
  },
};

export const tensorflow = {
  /** What the install script of @tensorflow/tfjs-node 4.22 takes, from storage.googleapis.com: for arm64, builds of its own (`r2_7`). */
  archives: {
    // Linux and macOS: NixOS/nixpkgs `mjolnir` and `nextcloud-recognize` (arm64: the first alone), wamuir/graft's Bazel repositories.
    'linux-x64': {
      version: '2.9.1',
      path: 'tensorflow/libtensorflow/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz',
      sha256: '7f510d2546e3db5e10b1d119463689003d587842892ad3c95bca51cf82820173',
    },
    'linux-arm64': {
      version: '2.7',
      path: 'tf-builds/libtensorflow_r2_7_linux_arm64.tar.gz',
      sha256: '9395d1ff39f5b6847f5121e679ff4e599dc7061a2a7f87ceac061c78e908e6e3',
    },
    'darwin-x64': {
      version: '2.9.1',
      path: 'tensorflow/libtensorflow/libtensorflow-cpu-darwin-x86_64-2.9.1.tar.gz',
      sha256: '56f83d3320ba0f69aaafd6c058645e1b7fbc75fb9a3fc36d6be98de1291ca226',
    },
    'darwin-arm64': {
      version: '2.7',
      path: 'tf-builds/libtensorflow_r2_7_darwin_arm64_cpu.tar.gz',
      sha256: '13ab22b97e2af06e431aaeb7b42fb89981965dd01aa16da035d8210aa4183d79',
    },
    // Windows: microsoft/tensorflow-directml-plugin `cmake/dependencies.cmake` of July 2022, alone.
    'win32-x64': {
      version: '2.9.1',
      path: 'tensorflow/libtensorflow/libtensorflow-cpu-windows-x86_64-2.9.1.zip',
      sha256: '56fa7e84c984144311563b405bd0e565568f3cbe2c15ac4713e9c8174a02b00f',
    },
  },
  /** The smallest wheel whose library works with tfjs-node 4.22 (2.9.3 does not); the cp311 one. Digest: pypi.org. */
  wheel: {
    project: 'tensorflow-cpu',
    version: '2.13.1',
    file: 'tensorflow_cpu-2.13.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    sha256: '87be6e61314b2c0fa062f71e26e41d6a17e162ffe4da72c820fe8f1fc94d97fe',
  },
};
