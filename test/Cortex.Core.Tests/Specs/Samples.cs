namespace Cortex.Core.Tests.Specs;

/// <summary>Valid files for tests to start from.</summary>
internal static class Samples
{
    /// <summary>All five kinds with every field spelled out.</summary>
    public const string Everything = """
        # every kind, every field
        - name: rt
          kind: RealtimeAPI
          pod:
            port: 9000
            max_concurrency: 4
            max_queue_length: 50
            containers:
            - name: api
              image: registry.example.com:5000/team/my_app:1.2-rc.1
              command: [python, -m, server]
              args: ["--port", "$(CORTEX_PORT)"]
              env: {B: "2", A: 'yes', EMPTY: ""}
              readiness_probe:
                http_get: {path: health/, port: 9000}
                initial_delay_seconds: 1
                timeout_seconds: 2
                period_seconds: 3
                success_threshold: 4
                failure_threshold: 5
              liveness_probe:
                exec: {command: [cat, /tmp/alive]}
              pre_stop:
                http_get: {port: "9001"}
              compute: {cpu: 0.5, mem: 1Gi, gpu: 1, inf: 0, shm: 512Mi}
            - name: side
              image: side@sha256:0123456789abcdef0123456789abcdef
              compute: {cpu: null, mem_limit: 2Gi}
              pre_stop: {exec: {command: [sleep, "1"]}}
              readiness_probe: {exec: {command: ["true"]}}
          node_groups: [cpu, gpu_1]
          networking: {endpoint: a/b.c_d-e/}
          autoscaling:
            min_replicas: 2
            max_replicas: 10
            init_replicas: 3
            target_in_flight: 2.5
            window: 1m30s
            downscale_stabilization_period: "0"
            upscale_stabilization_period: 30s
            max_downscale_factor: 0
            max_upscale_factor: 3
            downscale_tolerance: 0.1
            upscale_tolerance: 2
            idle: freeze
            freeze_period: 90s
          update_strategy: {max_surge: 1, max_unavailable: 10%}
          client_access: admin
        - name: as
          kind: AsyncAPI
          pod:
            port: null
            max_concurrency: 100
            containers:
            - name: api
              image: app
              readiness_probe: {tcp_socket: {port: 80}}
          queue:
            max_attempts: 3
            retry_backoff: 500ms
            retry_backoff_max: 1m
            timeout: 2h
            result_retention: 24h
            max_payload: 1Gi
            max_result: 10Mi
            max_lost_attempts: 0
        - name: ba
          kind: BatchAPI
          pod:
            containers:
            - name: api
              image: app
              command: [run]
              readiness_probe: {http_get: {port: 80}}
          jobs: {max_concurrent: 4}
        - name: ta
          kind: TaskAPI
          pod:
            port: ~
            containers:
            - name: api
              image: app
              command: [run]
          jobs: {max_concurrent: 2, priority: 9, max_attempts: 3}
        - name: sp
          kind: TrafficSplitter
          networking:
            endpoint: /split
          apis:
          - {name: rt, weight: 100}
          - {name: other, weight: 20, shadow: true}
          - {name: next, weight: 0}
          sticky: {cookie: session}
          canary: {to: next, steps: [2, 100], every: 90s, max_error_rate: 0.05, max_p99: 250ms, min_requests: 20}
        """;

    /// <summary>A cluster configuration with fields of all sorts.</summary>
    public const string Cluster = """
        cluster_name: my-cluster
        region: us-west-2
        operator: {host: 0.0.0.0, port: 9000}
        apis: {host: "::1", port: 9001}
        docker:
          host: unix:///run/podman/podman.sock
          address: loopback
          cpu_overcommit: 1
          memory_reserve: 1Gi
          parallel_starts: 4
          memory_limit_factor: 2.5
          pids_limit: 0
          capabilities: [NET_RAW, SYS_PTRACE]
          new_privileges: true
          init: false
          reach_containers: true
          reach_metadata: true
          spare_networks: 0
          pull_timeout: 1h
        jobs:
          history: 2
          history_age: 3h
          log_size: 4Mi
          max_concurrent: 5
          max_unfinished: 6
          parallel_starts: 7
          image_timeout: 8s
          termination_grace: 9s
          helper_grace: 21s
          max_submission_size: 10Ki
          max_streamed_size: 11Ki
          upload_idle_timeout: 17s
          max_items: 18
          max_source_size: 19Ki
          max_item_size: 12Ki
          max_batch_size: 13Ki
          max_workers: 14
          max_worker_deaths: 15
          room_timeout: 16s
          sources:
            s3: {endpoint: "http://minio:9000", region: eu-west-2, access_key: JOBKEY, secret_key: job-secret, buckets: [data, other/public/], path_style: true}
            file_folders: [/data, /srv/sets]
            http_hosts: [files.internal, "10.0.0.1:8080", "*"]
        limits: {stalled_after: 5m, termination_grace: 0s, api_versions: 3, max_apis: 23, max_replicas: 24, log_streams: 21, log_stall: 22s, server_log_size: 1Mi, max_connections: 30, max_connections_per_address: 3}
        access: {trusted_proxies: [10.0.0.0/8, "::1"], allowed_hosts: [api.example.com, "*.example.org"], open_metrics: true}
        gateway:
          max_request_body: 1Mi
          max_header_size: 8Ki
          max_headers: 50
          header_timeout: 1s
          keep_alive_timeout: 2s
          connect_timeout: 3s
          queue_timeout: 4s
          wake_timeout: 7s
          wake_buffer: 2Mi
          idle_timeout: 5s
          shadow_max_body: 2Mi
          shadow_memory: 3Mi
          shadow_timeout: 6s
          max_connections: 6
          max_connections_per_address: 4
          client_idle_timeout: 8s
          stream_idle_timeout: 9s
        storage:
          queues: postgres
          postgres: {connection_string: "Host=db;Username=cortex;Password=pg-secret"}
          blobs: s3
          s3: {endpoint: "http://minio:9000", region: eu-west-1, bucket: cortex, prefix: one/, access_key: AKIA, secret_key: s3-secret, path_style: true}
          adopt: another
        queue:
          inline_limit: 32Ki
          max_pending: 7
          max_pending_bytes: 2Mi
          max_commit_bytes: 1Mi
          payload_cache: "0"
          attempts_kept: 8
          max_waiters: 9
          fairness_interval: 11
          sweep_interval: 12s
          disk_reserve: 21Mi
          orphan_age: 13h
        async: {max_wait: 14s, upload_idle_timeout: 20s}
        callbacks:
          allow_private_targets: true
          allowed_targets: ["hooks.internal:443", 10.1.0.0/16, "fd00::/8"]
          attempts: 15
          backoff: 16s
          backoff_max: 17m
          timeout: 18s
          concurrency: 19
        node_groups:
        - {name: cpu, instance_type: m5.large, resources: {cpu: 1.5, mem: 3Gi, gpu: 1}, min_instances: 0, max_instances: 2, priority: 100}
        """;
}
