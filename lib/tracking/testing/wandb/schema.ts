/** The part of W&B's GraphQL schema that its clients use to write a run: what is not in it, a request may not ask for. */
import { buildSchema } from 'graphql';

export const schema = buildSchema(`
  scalar JSONString

  type Query {
    viewer: User
    serverInfo: ServerInfo
    model(name: String, entityName: String): Project
    project(name: String, entityName: String): Project
  }

  type Mutation {
    upsertBucket(input: UpsertBucketInput!): UpsertBucketPayload
    createRunFiles(input: CreateRunFilesInput!): CreateRunFilesPayload
    markRunFilesUploaded(input: MarkRunFilesUploadedInput!): MarkRunFilesUploadedPayload
  }

  type User {
    id: ID!
    entity: String
    username: String
    flags: JSONString
    teams: EntityConnection
  }
  type EntityConnection { edges: [EntityEdge!]! }
  type EntityEdge { node: Entity }
  type Entity { id: ID!, name: String! }

  type ServerInfo { features: [ServerFeature!], cliVersionInfo: JSONString }
  type ServerFeature { name: String!, isEnabled: Boolean! }

  type Project {
    id: ID!
    name: String!
    entity: Entity!
    bucket(name: String!, missingOk: Boolean): Run
    run(name: String!): Run
  }

  type Run {
    id: ID!
    name: String!
    displayName: String
    description: String
    notes: String
    group: String
    jobType: String
    commit: String
    tags: [String!]
    config: JSONString
    summaryMetrics: JSONString
    state: String
    sweepName: String
    historyLineCount: Int
    eventsLineCount: Int
    logLineCount: Int
    historyTail: JSONString
    eventsTail: JSONString
    wandbConfig(keys: [String!]): JSONString
    project: Project!
  }

  input UpsertBucketInput {
    id: String
    name: String
    modelName: String
    entityName: String
    groupName: String
    description: String
    displayName: String
    notes: String
    commit: String
    config: JSONString
    host: String
    debug: Boolean
    jobProgram: String
    jobRepo: String
    jobType: String
    state: String
    sweep: String
    tags: [String!]
    summaryMetrics: JSONString
  }
  type UpsertBucketPayload { bucket: Run, inserted: Boolean }

  input CreateRunFilesInput { entityName: String!, projectName: String!, runName: String!, files: [String!]! }
  type CreateRunFilesPayload { runID: ID!, uploadHeaders: [String!], files: [RunFile!] }
  type RunFile { name: String!, uploadUrl: String }

  input MarkRunFilesUploadedInput { entityName: String!, projectName: String!, runName: String!, files: [String!]! }
  type MarkRunFilesUploadedPayload { success: Boolean }
`);
